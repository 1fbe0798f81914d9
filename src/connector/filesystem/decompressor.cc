#include "connector/filesystem/decompressor.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>

namespace penstock::connector {

namespace {

// windowBits of zlib: the largest window; 16 more asks for gzip framing.
constexpr int kGzipWindow = 15 + 16;
// The memory that a frame may ask for, as a power of two.
constexpr int kZstdWindowLogMax = 27;

class Gzip : public Decompressor {
 public:
  ~Gzip() override { inflateEnd(&stream_); }

  Status start() {
    if (inflateInit2(&stream_, kGzipWindow) == Z_OK) return {};
    return make_error(ErrorCode::kResourceExhausted, "zlib has no memory");
  }

  Result<Step> run(std::string_view in, char* out, size_t out_size) override {
    if (in.empty() && !inside_) return Step();
    if (!in.empty()) inside_ = true;
    // zlib does not write to its input; the pointer is only not const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(std::min<size_t>(in.size(), UINT32_MAX));
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min<size_t>(out_size, UINT32_MAX));
    const uInt in_before = stream_.avail_in;
    const uInt out_before = stream_.avail_out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      inside_ = false;
      inflateReset(&stream_);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {  // the latter: nothing could be done
      return make_error(ErrorCode::kCorruption, "malformed gzip data: {}",
                        stream_.msg != nullptr ? stream_.msg : "it cannot be read");
    }
    return Step{.taken = in_before - stream_.avail_in, .given = out_before - stream_.avail_out};
  }

  bool inside() const override { return inside_; }

 private:
  z_stream stream_{};
  bool inside_ = false;
};

class Zstd : public Decompressor {
 public:
  Zstd() : context_(ZSTD_createDCtx(), ZSTD_freeDCtx) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
  }

  Result<Step> run(std::string_view in, char* out, size_t out_size) override {
    if (in.empty() && !inside_) return Step();
    ZSTD_inBuffer input{.src = in.data(), .size = in.size(), .pos = 0};
    ZSTD_outBuffer output{.dst = out, .size = out_size, .pos = 0};
    const size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(left) != 0) {
      return make_error(ErrorCode::kCorruption, "malformed zstd data: {}", ZSTD_getErrorName(left));
    }
    inside_ = left != 0;
    return Step{.taken = input.pos, .given = output.pos};
  }

  bool inside() const override { return inside_; }

 private:
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context_;
  bool inside_ = false;
};

}  // namespace

Compression compression_of(std::string_view file_name) {
  if (file_name.ends_with(".gz") || file_name.ends_with(".gzip")) return Compression::kGzip;
  if (file_name.ends_with(".zst") || file_name.ends_with(".zstd")) return Compression::kZstd;
  return Compression::kNone;
}

Result<std::unique_ptr<Decompressor>> Decompressor::make(Compression compression) {
  switch (compression) {
    case Compression::kGzip: {
      auto gzip = std::make_unique<Gzip>();
      PENSTOCK_TRY(gzip->start());
      return gzip;
    }
    case Compression::kZstd: return std::make_unique<Zstd>();
    case Compression::kNone: break;
  }
  return nullptr;
}

}  // namespace penstock::connector
