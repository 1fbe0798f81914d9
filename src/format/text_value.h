// Values of records that are written as text: CSV fields and JSON strings.
#pragma once

#include <string>
#include <string_view>

#include "columnar/column.h"
#include "types/nested.h"
#include "types/type.h"

namespace penstock::format {

// Appends the value that `text` stands for to a column or a slot (Out is ColumnBuilder or SlotWriter); false, with
// nothing appended, when it stands for none of the type. Integers and numbers may have space around them; BYTES are in
// base64; a TIMESTAMP has no zone, a TIMESTAMP_LTZ may have one and is in UTC without.
template <class Out>
bool append_text_value(Out& out, types::DataType type, std::string_view text);

// "cannot read '...' as TYPE", the text cut when it is long.
std::string cannot_read(std::string_view text, types::DataType type);

// Standard base64 with padding.
void append_base64(std::string& out, std::string_view bytes);
bool base64_decode(std::string_view text, std::string& out);

}  // namespace penstock::format
