#include "log/compression.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "base/hash.h"
#include "log/coding.h"

namespace penstock::log {
namespace {

// snappy-java's stream framing: a magic, two version numbers, then blocks of [size i32 big-endian][raw snappy].
constexpr std::string_view kXerialMagic("\x82SNAPPY\0", 8);
constexpr size_t kXerialHeaderBytes = 16;
constexpr size_t kXerialBlockBytes = 32 << 10;
// windowBits of zlib: the largest window; 16 more asks for gzip framing, 32 more detects gzip or zlib.
constexpr int kGzipWrite = 15 + 16;
constexpr int kGzipRead = 15 + 32;
constexpr size_t kFirstOutputBytes = 4 << 10;
constexpr size_t kOutputGuessFactor = 4;

Error malformed(std::string_view codec, std::string_view what) {
  return make_error(ErrorCode::kCorruption, "malformed {} data: {}", codec, what);
}

Error too_large(std::string_view codec, size_t max_bytes) {
  return make_error(ErrorCode::kResourceExhausted, "{} data grows to more than {} bytes", codec, max_bytes);
}

// Makes room behind `used` bytes of output, doubling; false at the limit.
bool grow(std::string* out, size_t used, size_t max_bytes) {
  if (used < out->size()) return true;
  if (out->size() >= max_bytes) return false;
  out->resize(std::min(max_bytes, std::max(kFirstOutputBytes, out->size() * 2)));
  return true;
}

std::string first_output(size_t input_bytes, size_t max_bytes) {
  return std::string(std::min(max_bytes, std::max(kFirstOutputBytes, input_bytes * kOutputGuessFactor)), '\0');
}

Result<std::string> gunzip(std::string_view bytes, size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipRead) != Z_OK) return make_error(ErrorCode::kResourceExhausted, "zlib has no memory");
  std::unique_ptr<z_stream, decltype([](z_stream* s) { inflateEnd(s); })> guard(&stream);
  // zlib does not write to its input; the pointer is only not const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out = first_output(bytes.size(), max_bytes);
  size_t used = 0;
  while (true) {
    if (!grow(&out, used, max_bytes)) {
      // Full: fine only when nothing more comes.
      char one;
      stream.next_out = reinterpret_cast<Bytef*>(&one);
      stream.avail_out = 1;
      const int code = inflate(&stream, Z_NO_FLUSH);
      if (code == Z_STREAM_END && stream.avail_out == 1) break;
      return too_large("gzip", max_bytes);
    }
    const size_t room = out.size() - used;
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(std::min<size_t>(room, UINT32_MAX));
    const uInt before = stream.avail_out;
    const int code = inflate(&stream, Z_NO_FLUSH);
    used += before - stream.avail_out;
    if (code == Z_STREAM_END) {
      // Members may follow one another, as in files that gzip made.
      if (stream.avail_in == 0) break;
      if (inflateReset(&stream) != Z_OK) return malformed("gzip", "a further member");
      continue;
    }
    if (code != Z_OK) return malformed("gzip", stream.msg != nullptr ? stream.msg : "it is cut off");
  }
  out.resize(used);
  return out;
}

Result<std::string> gzip(std::string_view bytes) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWrite, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return make_error(ErrorCode::kResourceExhausted, "zlib has no memory");
  }
  std::unique_ptr<z_stream, decltype([](z_stream* s) { deflateEnd(s); })> guard(&stream);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return make_error(ErrorCode::kInternal, "zlib did not finish");
  out.resize(stream.total_out);
  return out;
}

// Appends one raw snappy block.
Status unsnap_block(std::string_view block, size_t max_bytes, std::string* out) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &size)) return malformed("snappy", "no length");
  if (size > max_bytes - out->size()) return too_large("snappy", max_bytes);
  // A block cannot shrink by more than this: an honest size is never refused, a lie does not allocate.
  constexpr size_t kSnappyRatioMax = 64;
  if (size / kSnappyRatioMax > block.size()) return malformed("snappy", "its length is impossible");
  const size_t at = out->size();
  out->resize(at + size);
  if (!snappy::RawUncompress(block.data(), block.size(), out->data() + at)) return malformed("snappy", "a block");
  return {};
}

Result<std::string> unsnap(std::string_view bytes, size_t max_bytes) {
  std::string out;
  if (!bytes.starts_with(kXerialMagic)) {
    PENSTOCK_TRY(unsnap_block(bytes, max_bytes, &out));
    return out;
  }
  if (bytes.size() < kXerialHeaderBytes) return malformed("snappy", "the header is cut off");
  bytes.remove_prefix(kXerialHeaderBytes);
  while (!bytes.empty()) {
    if (bytes.size() < 4) return malformed("snappy", "a block's size is cut off");
    const auto size = load_big<int32_t>(bytes.data());
    bytes.remove_prefix(4);
    if (size < 0 || static_cast<size_t>(size) > bytes.size()) return malformed("snappy", "a block is cut off");
    PENSTOCK_TRY(unsnap_block(bytes.substr(0, static_cast<size_t>(size)), max_bytes, &out));
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return out;
}

std::string snap(std::string_view bytes) {
  std::string out(kXerialMagic);
  out.append({'\0', '\0', '\0', '\1', '\0', '\0', '\0', '\1'});
  std::string block;
  while (!bytes.empty()) {
    const size_t size = std::min(kXerialBlockBytes, bytes.size());
    snappy::Compress(bytes.data(), size, &block);
    char prefix[4];
    store_big(prefix, static_cast<int32_t>(block.size()));
    out.append(prefix, sizeof(prefix)).append(block);
    bytes.remove_prefix(size);
  }
  return out;
}

Result<std::string> unlz4(std::string_view bytes, size_t max_bytes) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) {
    return make_error(ErrorCode::kResourceExhausted, "lz4 has no memory");
  }
  std::unique_ptr<LZ4F_dctx, decltype([](LZ4F_dctx* c) { LZ4F_freeDecompressionContext(c); })> guard(context);
  std::string out = first_output(bytes.size(), max_bytes);
  size_t used = 0;
  size_t wanted = 1;  // what the library expects next; 0 at the end of a frame
  while (!bytes.empty() || wanted != 0) {
    const bool full = !grow(&out, used, max_bytes);
    char one;
    size_t consumed = bytes.size();
    size_t produced = full ? 1 : out.size() - used;
    wanted = LZ4F_decompress(context, full ? &one : out.data() + used, &produced, bytes.data(), &consumed, nullptr);
    if (LZ4F_isError(wanted)) return malformed("lz4", LZ4F_getErrorName(wanted));
    if (full && produced != 0) return too_large("lz4", max_bytes);
    if (consumed == 0 && produced == 0 && wanted != 0) return malformed("lz4", "it is cut off");
    bytes.remove_prefix(consumed);
    used += full ? 0 : produced;
  }
  out.resize(used);
  return out;
}

Result<std::string> lz4(std::string_view bytes) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  std::string out(LZ4F_compressFrameBound(bytes.size(), &preferences), '\0');
  const size_t size = LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), &preferences);
  if (LZ4F_isError(size)) return make_error(ErrorCode::kInternal, "lz4: {}", LZ4F_getErrorName(size));
  out.resize(size);
  return out;
}

Result<std::string> unzstd(std::string_view bytes, size_t max_bytes) {
  std::unique_ptr<ZSTD_DCtx, decltype([](ZSTD_DCtx* c) { ZSTD_freeDCtx(c); })> context(ZSTD_createDCtx());
  if (context == nullptr) return make_error(ErrorCode::kResourceExhausted, "zstd has no memory");
  std::string out = first_output(bytes.size(), max_bytes);
  size_t used = 0;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  size_t wanted = 1;  // 0 at the end of a frame
  while (in.pos < in.size || wanted != 0) {
    const bool full = !grow(&out, used, max_bytes);
    char one;
    ZSTD_outBuffer piece{full ? &one : out.data() + used, full ? 1 : out.size() - used, 0};
    const size_t read_before = in.pos;
    wanted = ZSTD_decompressStream(context.get(), &piece, &in);
    if (ZSTD_isError(wanted)) return malformed("zstd", ZSTD_getErrorName(wanted));
    if (full && piece.pos != 0) return too_large("zstd", max_bytes);
    if (in.pos == read_before && piece.pos == 0 && wanted != 0) return malformed("zstd", "it is cut off");
    used += full ? 0 : piece.pos;
  }
  out.resize(used);
  return out;
}

Result<std::string> zstd(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError(size)) return make_error(ErrorCode::kInternal, "zstd: {}", ZSTD_getErrorName(size));
  out.resize(size);
  return out;
}

}  // namespace

std::string_view compression_codec_name(CompressionCodec codec) {
  switch (codec) {
    case CompressionCodec::kNone: return "none";
    case CompressionCodec::kGzip: return "gzip";
    case CompressionCodec::kSnappy: return "snappy";
    case CompressionCodec::kLz4: return "lz4";
    case CompressionCodec::kZstd: return "zstd";
  }
  return "unknown";
}

Result<std::string> decompress(CompressionCodec codec, std::string_view bytes, size_t max_bytes) {
  if (bytes.size() > UINT32_MAX) return too_large(compression_codec_name(codec), UINT32_MAX);
  switch (codec) {
    case CompressionCodec::kNone:
      if (bytes.size() > max_bytes) return too_large("uncompressed", max_bytes);
      return std::string(bytes);
    case CompressionCodec::kGzip: return gunzip(bytes, max_bytes);
    case CompressionCodec::kSnappy: return unsnap(bytes, max_bytes);
    case CompressionCodec::kLz4: return unlz4(bytes, max_bytes);
    case CompressionCodec::kZstd: return unzstd(bytes, max_bytes);
  }
  return unsupported("compression codec {} is unknown", static_cast<int>(codec));
}

Result<std::string> compress(CompressionCodec codec, std::string_view bytes) {
  if (bytes.size() > INT32_MAX) return too_large(compression_codec_name(codec), INT32_MAX);
  switch (codec) {
    case CompressionCodec::kNone: return std::string(bytes);
    case CompressionCodec::kGzip: return gzip(bytes);
    case CompressionCodec::kSnappy: return snap(bytes);
    case CompressionCodec::kLz4: return lz4(bytes);
    case CompressionCodec::kZstd: return zstd(bytes);
  }
  return unsupported("compression codec {} is unknown", static_cast<int>(codec));
}

Result<SharedBytes> uncompressed_records(const RecordBatchView& batch, std::shared_ptr<const void> owner,
                                         size_t max_bytes) {
  if (batch.codec() == CompressionCodec::kNone) return SharedBytes{batch.records(), std::move(owner)};
  return SharedBytes::own(PENSTOCK_TRY(decompress(batch.codec(), batch.records(), max_bytes)));
}

Result<std::string> compress_batch(std::string_view batch, CompressionCodec codec) {
  const RecordBatchView view = PENSTOCK_TRY(parse_record_batch(batch));
  if (view.codec() != CompressionCodec::kNone) return invalid_argument("the batch is compressed already");
  std::string out(view.bytes.substr(0, kRecordBatchHeaderBytes));
  out += PENSTOCK_TRY(compress(codec, view.records()));
  store_big(out.data() + 8, static_cast<int32_t>(out.size() - 12));
  store_big(out.data() + kRecordBatchCrcStart, static_cast<int16_t>(view.attributes | static_cast<int16_t>(codec)));
  store_big(out.data() + 17, crc32c(std::string_view(out).substr(kRecordBatchCrcStart)));
  return out;
}

}  // namespace penstock::log
