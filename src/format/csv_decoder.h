// The CSV decoder, made by RowDecoder::make.
#pragma once

#include <memory>
#include <span>

#include "format/decoder.h"

namespace penstock::format {

std::unique_ptr<RowDecoder> make_csv_decoder(const FormatOptions& options, const types::Schema& schema,
                                             std::span<const size_t> wanted);

}  // namespace penstock::format
