// The JSON decoder, made by RowDecoder::make.
#pragma once

#include <memory>

#include "format/decoder.h"

namespace penstock::format {

std::unique_ptr<RowDecoder> make_json_decoder(const FormatOptions& options, types::Schema fields);

}  // namespace penstock::format
