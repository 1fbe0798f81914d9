#include "http/assets.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/hash.h"

namespace penstock::http {

namespace {

constexpr std::string_view kNoConsole =
    "<!doctype html><html lang=\"en\"><title>Penstock</title><p>The console was not built into this "
    "program.</p></html>\n";

std::string_view content_type(std::string_view path) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes{{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".woff2", "font/woff2"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzipWindowBits = 15 + 16;
  constexpr int kMemoryLevel = 9;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return "";
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return result == Z_STREAM_END && out.size() < bytes.size() ? out : "";
}

}  // namespace

Assets::Assets() {
  const auto add = [this](std::string_view path, std::string_view bytes) {
    assets_.push_back({.path = path,
                       .content_type = content_type(path),
                       .bytes = bytes,
                       .gzip = gzip(bytes),
                       .etag = fmt::format("\"{:016x}\"", hash64(bytes)),
                       .immutable = path.starts_with("/assets/")});
  };
  for (const EmbeddedFile& file : embedded_files()) add(file.path, file.bytes);
  if (find("/") == nullptr) add("/index.html", kNoConsole);
}

const Asset* Assets::find(std::string_view path) const {
  if (path == "/") path = "/index.html";
  const auto it = std::ranges::find(assets_, path, &Asset::path);
  return it == assets_.end() ? nullptr : &*it;
}

}  // namespace penstock::http
