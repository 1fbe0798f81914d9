// The JSON decoder, made by RowDecoder::make.
#pragma once

#include <memory>
#include <span>

#include "format/decoder.h"

namespace penstock::format {

std::unique_ptr<RowDecoder> make_json_decoder(const FormatOptions& options, const types::Schema& schema,
                                              std::span<const FieldPath> wanted);

}  // namespace penstock::format
