// toml++ 3.3 asserts, and with NDEBUG lets the compiler assume, that a table's name begins well before it has looked;
// without either, "[*]" is the error that it should be.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "app/config_settings.h"

namespace penstock::app {
namespace {

constexpr size_t kConfigFileBytesMax = 1 << 20;

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kConfigFileBytesMax + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.eof() && !file) {
    return make_error(ErrorCode::kIoError, "{}: cannot read the configuration file: {}", path, std::strerror(errno));
  }
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kConfigFileBytesMax) {
    return invalid_argument("{}: the configuration file is larger than {} bytes", path, kConfigFileBytesMax);
  }
  return text;
}

bool is_array_of_texts(const toml::array& array) {
  return std::ranges::all_of(array, [](const toml::node& item) { return item.is_string(); });
}

// Appends the keys of `table`, which stands under `prefix`: "" or "kafka.".
Status collect(const toml::table& table, const std::string& prefix, const std::string& path,
               std::vector<WrittenSetting>& out) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    WrittenValue value{.text = {}, .origin = fmt::format("{}:{}", path, key.source().begin.line), .typed = true};
    if (const auto* section = node.as_table()) {
      PENSTOCK_TRY(collect(*section, name + ".", path, out));
      continue;
    }
    if (const auto* text = node.as_string()) {
      value.text = text->get();
    } else if (const auto* integer = node.as_integer()) {
      value.kind = WrittenValue::Kind::kInteger;
      value.text = fmt::to_string(integer->get());
    } else if (const auto* boolean = node.as_boolean()) {
      value.kind = WrittenValue::Kind::kBoolean;
      value.text = boolean->get() ? "true" : "false";
    } else if (const auto* array = node.as_array(); array != nullptr && is_array_of_texts(*array)) {
      value.kind = WrittenValue::Kind::kList;
      for (const auto& item : *array) value.text += (value.text.empty() ? "" : ",") + item.as_string()->get();
    } else {
      return invalid_argument("{}: {} must be a text, an integer, true, false or an array of texts", value.origin,
                              name);
    }
    out.push_back({name, std::move(value)});
  }
  return {};
}

}  // namespace

Result<std::vector<WrittenSetting>> read_config_file(const std::string& path) {
  const std::string text = PENSTOCK_TRY(read_file(path));
  std::vector<WrittenSetting> found;
  try {
    PENSTOCK_TRY(collect(toml::parse(text), "", path, found));
  } catch (const toml::parse_error& error) {
    return invalid_argument("{}:{}: this is no TOML: {}", path, error.source().begin.line, error.description());
  }
  return found;
}

}  // namespace penstock::app
