// PRINTF: values in a format of java.util.Formatter, as far as numbers, text and booleans go.
#include <algorithm>

#include "expr/binding.h"
#include "expr/slots.h"
#include "expr/utf8.h"
#include "types/value.h"

namespace penstock::expr {

namespace {

// So wide can one value be made.
constexpr size_t kWidthMax = 1'000;

// %[flags][width][.precision]conversion
struct Conversion {
  bool left = false;
  bool plus = false;
  bool zero = false;
  bool group = false;
  size_t width = 0;
  std::optional<size_t> precision;
  char kind = 's';

  // Takes one from the front of `rest`, behind its percent sign; nothing when it is none.
  static std::optional<Conversion> take(std::string_view& rest) {
    Conversion found;
    for (; !rest.empty(); rest.remove_prefix(1)) {
      const char c = rest[0];
      if (c != '-' && c != '+' && c != '0' && c != ',') break;
      (c == '-' ? found.left : c == '+' ? found.plus : c == '0' ? found.zero : found.group) = true;
    }
    if (!take_number(rest, found.width)) return std::nullopt;
    if (rest.starts_with('.')) {
      rest.remove_prefix(1);
      if (rest.empty() || rest[0] < '0' || rest[0] > '9' || !take_number(rest, found.precision.emplace())) {
        return std::nullopt;
      }
    }
    if (rest.empty()) return std::nullopt;
    found.kind = rest[0];
    rest.remove_prefix(1);
    return found;
  }

  // The text in its place, filled to the width; `zero` fills numbers behind their sign.
  void append(std::string& out, std::string text, bool number) const {
    const size_t size = character_count(text);
    const size_t missing = width > size ? width - size : 0;
    if (number && zero && !left) {
      const size_t sign = text[0] == '-' || text[0] == '+' ? 1 : 0;
      text.insert(sign, missing, '0');
      out += text;
      return;
    }
    if (!left) out.append(missing, ' ');
    out += text;
    if (left) out.append(missing, ' ');
  }

 private:
  static bool take_number(std::string_view& rest, size_t& number) {
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1)) {
      number = number * 10 + static_cast<size_t>(rest[0] - '0');
      if (number > kWidthMax) return false;
    }
    return true;
  }
};

std::string with_groups(std::string digits) {
  const size_t first = digits[0] == '-' || digits[0] == '+' ? 1 : 0;
  const size_t end = std::min(digits.find('.'), digits.size());
  for (size_t at = end; at > first + 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

class PrintfArguments {
 public:
  explicit PrintfArguments(const KernelCall& call) : call_(call) {}

  // Appends the next argument as the conversion asks; false when it does not fit it, or there is none.
  bool append(std::string& out, const Conversion& conversion, size_t argument, size_t row) const {
    if (argument >= call_.argument_count()) return false;
    if (call_.is_argument_null(argument, row)) {
      conversion.append(out, "null", false);
      return true;
    }
    const DataType type = call_.argument_type(argument);
    switch (conversion.kind) {
      case 's': {
        std::string text = text_of(argument, row);
        if (conversion.precision) text.resize(character_offset(text, *conversion.precision));
        conversion.append(out, std::move(text), false);
        return true;
      }
      case 'd':
      case 'x':
      case 'X':
      case 'o':
        if (!type.is_integer() || conversion.precision) return false;
        conversion.append(out, integer(conversion, call_.argument<int64_t>(argument)[row]), true);
        return true;
      case 'f':
      case 'e':
        if (!type.is_approximate()) return false;
        conversion.append(out, real(conversion, call_.argument<double>(argument)[row]), true);
        return true;
      case 'b':
        conversion.append(out, type.kind() == TypeKind::kBoolean && !boolean(argument, row) ? "false" : "true", false);
        return true;
      default: return false;
    }
  }

 private:
  bool boolean(size_t argument, size_t row) const { return call_.argument<uint8_t>(argument)[row] != 0; }
  std::string text_of(size_t argument, size_t row) const {
    const DataType type = call_.argument_type(argument);
    if (type.is_integer()) return fmt::format("{}", call_.argument<int64_t>(argument)[row]);
    if (type.kind() == TypeKind::kBoolean) return boolean(argument, row) ? "true" : "false";
    if (type.kind() == TypeKind::kString) return std::string(call_.argument<StringCell>(argument)[row].view());
    std::string text;
    types::append_double(text, call_.argument<double>(argument)[row], type.kind() == TypeKind::kFloat);
    return text;
  }
  static std::string integer(const Conversion& conversion, int64_t value) {
    if (conversion.kind == 'x') return fmt::format("{:x}", static_cast<uint64_t>(value));
    if (conversion.kind == 'X') return fmt::format("{:X}", static_cast<uint64_t>(value));
    if (conversion.kind == 'o') return fmt::format("{:o}", static_cast<uint64_t>(value));
    std::string digits = fmt::format("{}{}", conversion.plus && value >= 0 ? "+" : "", value);
    return conversion.group ? with_groups(std::move(digits)) : digits;
  }
  static std::string real(const Conversion& conversion, double value) {
    constexpr size_t kPlaces = 6;
    const size_t places = conversion.precision.value_or(kPlaces);
    std::string digits =
        conversion.kind == 'e' ? fmt::format("{:.{}e}", value, places) : fmt::format("{:.{}f}", value, places);
    if (conversion.plus && digits[0] != '-') digits.insert(0, 1, '+');
    return conversion.group ? with_groups(std::move(digits)) : digits;
  }

  const KernelCall& call_;
};

// A wrong format gives NULL, as in Flink.
void print(KernelCall& call) {
  auto formats = call.argument<StringCell>(0);
  for (size_t row = 0; row < call.rows(); ++row) {
    if (call.is_argument_null(0, row)) call.set_null(row);
  }
  const PrintfArguments arguments(call);
  write_rows(call, [&](std::string& out, size_t row) {
    std::string_view rest = formats[row].view();
    size_t next = 1;
    while (!rest.empty()) {
      const size_t plain = std::min(rest.find('%'), rest.size());
      out += rest.substr(0, plain);
      rest.remove_prefix(plain);
      if (rest.empty()) break;
      rest.remove_prefix(1);
      if (rest.starts_with('%') || rest.starts_with('n')) {
        out += rest[0] == '%' ? '%' : '\n';
        rest.remove_prefix(1);
        continue;
      }
      const std::optional<Conversion> conversion = Conversion::take(rest);
      if (!conversion || !arguments.append(out, *conversion, next++, row)) return call.set_null(row);
    }
  });
}

bool bind_printf(CallSignature& call) {
  if (call.argument_types.empty() || !accept_argument(Takes::kText, call.argument_types[0])) return false;
  call.argument_types[0] = TypeKind::kString;
  for (size_t i = 1; i < call.argument_types.size(); ++i) {
    DataType& type = call.argument_types[i];
    if (type.is_integer()) {
      type = TypeKind::kBigInt;
    } else if (type.kind() == TypeKind::kDecimal) {
      type = TypeKind::kDouble;
    } else if (!type.is_approximate() && type.kind() != TypeKind::kBoolean) {
      type = TypeKind::kString;
    }
  }
  call.result = TypeKind::kString;
  call.kernel = print;
  return true;
}

constexpr ScalarFunction kFunctions[] = {
    {"PRINTF", FunctionCategory::kText, "PRINTF(format, value, ...)",
     "The format with values in the places of %s, %d, %x, %o, %f, %e and %b, with -, +, 0, a comma, a width and a "
     "precision as Java's Formatter has them; NULL for a format that is wrong or does not fit the values.",
     "PRINTF('%s: %05d %.2f', 'a', 42, 1.5) => a: 00042 1.50\n"
     "PRINTF('%,d %-3s%+d', 1234567, 'x', 5) => 1,234,567 x  +5\nPRINTF('%d', 'x') => NULL",
     bind_printf, NullRule::kHandles},
};

}  // namespace

std::span<const ScalarFunction> printf_functions() { return kFunctions; }

}  // namespace penstock::expr
