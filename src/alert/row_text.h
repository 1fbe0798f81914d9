// A row of an alert's query as text: what an incident shows, and which instance it is.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "columnar/change_batch.h"
#include "types/type.h"

namespace penstock::alert {

// A longer text value is cut: an incident is for people, and is kept in memory and sent.
inline constexpr size_t kValueTextBytesMax = 4096;
// A longer key is cut, too, and told apart by a hash of the whole.
inline constexpr size_t kKeyTextBytesMax = 1024;

// The row as a JSON object.
std::string row_json(const types::Schema& schema, const columnar::ChangeBatch& batch, size_t row);

// "merchant=Voltage, city=Oslo"; empty without key columns.
std::string key_text(const types::Schema& schema, const std::vector<int>& key, const columnar::ChangeBatch& batch,
                     size_t row);

}  // namespace penstock::alert
