// The compression codecs of Kafka's record batches, framed as Kafka's clients frame them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "log/record_batch.h"
#include "log/shared_bytes.h"

namespace penstock::log {

// The most that one record section may grow to when it is decompressed: a bound on what a small hostile batch can
// make the program allocate.
inline constexpr size_t kDecompressedBytesMax = 128 << 20;

// "none", "gzip", "snappy", "lz4", "zstd".
std::string_view compression_codec_name(CompressionCodec codec);

// gzip, raw or xerial-framed snappy (as the Java client writes it), an LZ4 frame, or zstd. kCorruption when the bytes
// are malformed, kResourceExhausted when they grow beyond `max_bytes`, kUnsupported for an unknown codec.
Result<std::string> decompress(CompressionCodec codec, std::string_view bytes,
                               size_t max_bytes = kDecompressedBytesMax);

// The inverse; snappy is written with xerial framing.
Result<std::string> compress(CompressionCodec codec, std::string_view bytes);

// The record section of a batch, ready for RecordReader: a view on the batch itself (kept alive by `owner`, which may
// be empty when the caller keeps the batch) or the decompressed copy.
Result<SharedBytes> uncompressed_records(const RecordBatchView& batch, std::shared_ptr<const void> owner,
                                         size_t max_bytes = kDecompressedBytesMax);

// The same batch with its records compressed; for producers inside the program and for tests.
Result<std::string> compress_batch(std::string_view batch, CompressionCodec codec);

}  // namespace penstock::log
