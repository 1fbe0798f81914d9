#include "sqltest/files.h"

#include <zstd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

namespace penstock::sqltest {

namespace {

// The recorded inputs were compressed with a long window.
constexpr int kWindowLogMax = 27;

Result<std::string> decompress(const std::string& path, std::string_view bytes) {
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLogMax);
  std::string out;
  std::string piece(ZSTD_DStreamOutSize(), '\0');
  ZSTD_inBuffer input{.src = bytes.data(), .size = bytes.size(), .pos = 0};
  size_t state = 1;
  while (input.pos < input.size) {
    ZSTD_outBuffer output{.dst = piece.data(), .size = piece.size(), .pos = 0};
    state = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(state) != 0) {
      return make_error(ErrorCode::kCorruption, "{}: {}", path, ZSTD_getErrorName(state));
    }
    out.append(piece.data(), output.pos);
  }
  while (state != 0) {  // what the decoder still holds
    ZSTD_outBuffer output{.dst = piece.data(), .size = piece.size(), .pos = 0};
    state = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(state) != 0 || output.pos == 0) return make_error(ErrorCode::kCorruption, "{}: is cut off", path);
    out.append(piece.data(), output.pos);
  }
  return out;
}

}  // namespace

std::string read_all(std::FILE* file) {
  std::string text;
  std::rewind(file);
  char piece[1 << 16];
  for (size_t n = 0; (n = std::fread(piece, 1, sizeof piece, file)) > 0;) text.append(piece, n);
  return text;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return not_found("cannot read {}", path);
  std::string bytes(std::filesystem::file_size(path), '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file) return make_error(ErrorCode::kIoError, "cannot read {}", path);
  if (path.ends_with(".zst")) return decompress(path, bytes);
  return bytes;
}

Status write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) return make_error(ErrorCode::kIoError, "cannot write {}", path);
  return {};
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Result<std::vector<std::string>> read_lines(const std::string& path) {
  return split_lines(PENSTOCK_TRY(read_file(path)));
}

}  // namespace penstock::sqltest
