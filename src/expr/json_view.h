// Values in JSON text, looked at where they stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::expr {

// A value in JSON text that is known to be right. What is in it is read from the text when it is asked for, so that
// numbers keep the digits that they are written with.
class JsonView {
 public:
  enum class Kind : uint8_t { kObject, kArray, kString, kNumber, kBoolean, kNull };

  JsonView() = default;
  // The value that `text` begins with, after spaces.
  explicit JsonView(std::string_view text);

  Kind kind() const;
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_scalar() const { return !is_object() && !is_array(); }
  std::string_view text() const { return text_; }

  // Calls `body(value)` for the elements of an array, `body(name, value)` for the fields of an object.
  template <class F>
  void for_each_element(F body) const {
    for (Cursor at(text_); at.next();) body(at.take());
  }
  template <class F>
  void for_each_field(F body) const {
    for (Cursor at(text_); at.next();) {
      const JsonView name = at.take();
      at.next();
      body(name, at.take());
    }
  }
  // How many elements or fields there are; 0 of what is no array or object.
  size_t size() const;
  // The field of a name, the last one where several have it, and an element; false where there is none.
  bool find_field(std::string_view name, JsonView& value) const;
  bool find_element(size_t index, JsonView& value) const;

  // What a string says. `buffer` holds it where it is written with escapes.
  std::string_view string(std::string& buffer) const;

 private:
  // Goes through what is between brackets.
  class Cursor {
   public:
    explicit Cursor(std::string_view text) : rest_(text.substr(1)) {}
    // Whether there is another value; what separates it from the one before is left behind.
    bool next();
    JsonView take();

   private:
    std::string_view rest_;
  };

  std::string_view text_ = "null";
};

// As java.math.BigDecimal writes the number, with the digits that it has: 1.50 and 1E+3. Whole numbers stay as they
// are.
void append_json_number(std::string& out, std::string_view number);

// Text of a number, string or boolean; false for null, objects and arrays.
bool json_scalar_text(const JsonView& value, std::string& out);

// The value without spaces, with the fields of objects in the order of their names, each name once.
void append_json(std::string& out, const JsonView& value);

}  // namespace penstock::expr
