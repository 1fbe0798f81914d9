#include "sqltest/golden.h"

#include <openssl/evp.h>
#include <simdjson.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string_view>

#include "sqltest/files.h"

namespace penstock::sqltest {

namespace {

struct Golden {
  uint64_t rows = 0;
  std::string sha256;
  bool complete = false;
};

Result<Golden> find_golden(const std::string& index, const std::string& name) {
  const simdjson::padded_string text(PENSTOCK_TRY(read_file(index)));
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  if (parser.parse(text).get(document) != simdjson::SUCCESS) return invalid_argument("{}: is no JSON", index);
  const auto entry = document["queries"][name];
  Golden golden;
  std::string_view sum;
  const bool good = entry["rows"].get(golden.rows) == simdjson::SUCCESS &&
                    entry["sha256"].get(sum) == simdjson::SUCCESS &&
                    entry["complete"].get(golden.complete) == simdjson::SUCCESS;
  if (!good) return not_found("{}: has nothing about {}", index, name);
  golden.sha256 = sum;
  return golden;
}

}  // namespace

std::string sha256(const Lines& lines) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const std::string& line : lines) {
    EVP_DigestUpdate(context.get(), line.data(), line.size());
    EVP_DigestUpdate(context.get(), "\n", 1);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), bytes.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

Status check_golden(const std::string& path, const Lines& rows) {
  const std::filesystem::path split(path);
  const Golden golden = PENSTOCK_TRY(find_golden(split.parent_path().string() + ".json", split.filename().string()));
  if (rows.size() == golden.rows && sha256(rows) == golden.sha256) return {};
  Lines expected = PENSTOCK_TRY(read_lines(path + ".tsv.zst"));
  if (!expected.empty()) expected.erase(expected.begin());  // the header
  Lines compared = rows;
  // Of a golden that holds only the first lines, the rows up to the last of them.
  if (!golden.complete && !expected.empty()) {
    std::erase_if(compared, [&](const std::string& row) { return row > expected.back(); });
  }
  return invalid_argument("{} rows expected, {} came, with another checksum{}\n{}", golden.rows, rows.size(),
                          golden.complete ? "" : "; compared with the first lines of the golden",
                          diff(expected, compared));
}

}  // namespace penstock::sqltest
