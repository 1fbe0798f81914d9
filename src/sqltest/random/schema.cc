#include "sqltest/random/schema.h"

#include <fmt/format.h>

#include <array>

#include "types/value.h"

namespace penstock::sqltest {

namespace {

constexpr uint32_t kNullPercent = 15;
constexpr int kIntBound = 100;
// Repeated updates that add to a column stay below this.
constexpr double kColumnBound = 1000;
constexpr int kDecimalDigits = 10;

constexpr std::array<const char*, 10> kWords = {"a", "b", "", "ab", "B", "a b", "NULL", "日本", "abc", "A"};
constexpr std::array<int64_t, 5> kHugeValues = {0, INT64_MAX, -INT64_MAX, INT64_MAX - 1, 1};

Type random_type(Choices& choices) {
  static const std::vector<ValueKind> kNested = {ValueKind::kRow, ValueKind::kArray, ValueKind::kMap};
  switch (choices.below(10)) {
    case 0:
    case 1: return {.kind = ValueKind::kInt, .wide = true, .bound = kColumnBound};
    case 9: return {.kind = choices.pick(kNested)};
    case 2: return {.kind = ValueKind::kString};
    case 3:
    case 4: return {.kind = ValueKind::kInt, .bound = kColumnBound};
    case 5: return {.kind = ValueKind::kDecimal, .scale = 2, .bound = 100 * kColumnBound};
    case 6: return {.kind = ValueKind::kDouble, .bound = kColumnBound};
    case 7: return {.kind = ValueKind::kBool};
    default: return choices.chance(50) ? Type{.kind = ValueKind::kTime} : Type{.kind = ValueKind::kHuge};
  }
}

// A number in a nested value.
std::string element(Choices& choices) {
  return choices.chance(kNullPercent) ? "NULL" : std::to_string(static_cast<int>(choices.below(kUsualValues)) - 2);
}

std::string json_element(const std::string& element) { return element == "NULL" ? "null" : element; }

Text row_literal(Choices& choices) {
  const std::string a = element(choices);
  const std::string b = choices.chance(kNullPercent) ? "NULL" : kWords[choices.below(kWords.size())];
  const bool null = b == "NULL";
  return {.engine = fmt::format("CAST(ROW({}, {}) AS ROW<a BIGINT, b STRING>)", a, null ? b : "'" + b + "'"),
          .sqlite = fmt::format("'[{},{}]'", json_element(a), null ? "null" : "\"" + b + "\"")};
}

Text array_literal(Choices& choices) {
  std::string list;
  std::string json;
  for (uint32_t count = choices.below(4); count > 0; --count) {
    const std::string value = element(choices);
    list += (list.empty() ? "" : ", ") + value;
    json += (json.empty() ? "" : ",") + json_element(value);
  }
  return {.engine = fmt::format("CAST(ARRAY[{}] AS ARRAY<BIGINT>)", list), .sqlite = fmt::format("'[{}]'", json)};
}

Text map_literal(Choices& choices) {
  std::string list;
  std::string json;
  const uint32_t keys = 1 + choices.below(7);  // a bit for each; they are in the order of the entries
  for (const char* key : {"a", "b", "c"}) {
    if ((keys >> (*key - 'a') & 1) == 0) continue;
    const std::string value = element(choices);
    list += fmt::format("{}'{}', {}", list.empty() ? "" : ", ", key, value);
    json += fmt::format("{}\"{}\":{}", json.empty() ? "" : ",", key, json_element(value));
  }
  return {.engine = fmt::format("CAST(MAP[{}] AS MAP<STRING, BIGINT>)", list), .sqlite = fmt::format("'{{{}}}'", json)};
}

}  // namespace

bool is_nested(const Type& type) {
  return type.kind == ValueKind::kRow || type.kind == ValueKind::kArray || type.kind == ValueKind::kMap;
}

std::string type_name(const Type& type) {
  switch (type.kind) {
    case ValueKind::kInt: return type.wide ? "BIGINT" : "INT";
    case ValueKind::kHuge: return "BIGINT";
    case ValueKind::kDecimal: return fmt::format("DECIMAL({}, {})", kDecimalDigits, type.scale);
    case ValueKind::kDouble: return "DOUBLE";
    case ValueKind::kString: return "STRING";
    case ValueKind::kBool: return "BOOLEAN";
    case ValueKind::kTime: return "TIMESTAMP(3)";
    case ValueKind::kRow: return "ROW<a BIGINT, b STRING>";
    case ValueKind::kArray: return "ARRAY<BIGINT>";
    case ValueKind::kMap: return "MAP<STRING, BIGINT>";
  }
  return "";
}

std::vector<Relation> make_tables(Choices& choices) {
  std::vector<Relation> tables;
  const uint32_t count = 2 + choices.below(3);
  for (uint32_t t = 0; t < count; ++t) {
    Relation table;
    const uint32_t what = choices.below(7);  // more tables that change than streams
    table.stream = what >= 5;
    table.upsert = what == 4;
    table.name = fmt::format("{}{}", table.stream ? "s" : table.upsert ? "u" : "t", t);
    if (what >= 2 && what <= 4) {
      table.key = 0;
      table.columns.push_back({.name = "id", .type = {.kind = ValueKind::kInt, .wide = true, .bound = kColumnBound}});
    }
    const uint32_t columns = 2 + choices.below(3);
    table.columns.push_back({.name = "k", .type = {.kind = ValueKind::kInt, .wide = true, .bound = kColumnBound}});
    for (uint32_t c = 1; c < columns; ++c) {
      const Type type = random_type(choices);
      table.columns.push_back({.name = fmt::format("{}{}", is_nested(type) ? "n" : "v", c), .type = type});
    }
    if (table.of_topic()) table.columns.push_back({.name = kTimeColumn, .type = {.kind = ValueKind::kTime}});
    if (table.upsert) table.watermark_delay_ms = kNothingIsLateMs;
    if (table.stream) {
      table.watermark_delay_ms = 1000 * (1 + choices.below(9));
      table.time_may_be_null = choices.chance(20);
      table.late = t > 0 && choices.chance(40);
      table.partitions = !table.late && choices.chance(30) ? 3 : 1;  // in one, what is late does not depend on chance
      table.local = choices.chance(30);
    }
    tables.push_back(std::move(table));
  }
  return tables;
}

Text create_table(const Relation& table) {
  std::vector<Text> columns;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    const Column& column = table.columns[c];
    if (table.local && column.name == kTimeColumn) {
      columns.push_back(
          {.engine = fmt::format("{0} TIMESTAMP_LTZ(3), {1} AS CAST({0} AS TIMESTAMP(3))", kMomentColumn, column.name),
           .sqlite = fmt::format("{} INTEGER, {} INTEGER", column.name, kMomentColumn)});
      continue;
    }
    const char* key = table.key == static_cast<int>(c) && !table.upsert ? " PRIMARY KEY" : "";
    const bool text = column.type.kind == ValueKind::kString || is_nested(column.type);
    const char* affinity = text ? "TEXT" : column.type.kind == ValueKind::kDouble ? "REAL" : "INTEGER";
    columns.push_back({.engine = fmt::format("{} {}{}", column.name, type_name(column.type), key),
                       .sqlite = fmt::format("{} {}{}", column.name, affinity, key)});
  }
  const Text list = joined(columns, ", ");
  Text text = {.engine = fmt::format("CREATE TABLE {} ({}", table.name, list.engine),
               .sqlite = fmt::format("CREATE TABLE {} ({})", table.name, list.sqlite)};
  if (table.upsert) {
    text.engine += fmt::format(
        ", WATERMARK FOR {} AS {} - INTERVAL '{}' DAY, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector' = "
        "'upsert-kafka', 'topic' = '{}', 'key.format' = 'json', 'value.format' = 'json')",
        kTimeColumn, kTimeColumn, table.watermark_delay_ms / kDayMs, table.name);
    return text;
  }
  if (!table.stream) {
    text.engine += ")";
    return text;
  }
  text.engine += fmt::format(
      ", WATERMARK FOR {0} AS {0} - INTERVAL '{1}' SECOND) WITH ('connector' = 'kafka', 'topic' = '{2}', 'format' = "
      "'json')",
      table.local ? kMomentColumn : kTimeColumn, table.watermark_delay_ms / 1000, table.name);
  return text;
}

bool has_versions(const Relation& table) { return table.stream && !table.local && table.partitions == 1; }

std::vector<std::string> create_versions(const Relation& table) {
  std::string with_key = create_table(table).engine;
  with_key.replace(0, ("CREATE TABLE " + table.name).size(), fmt::format("CREATE TABLE {}{}", table.name, kVersions));
  with_key.insert(with_key.find(") WITH ("), ", PRIMARY KEY (k) NOT ENFORCED");
  std::string columns;
  for (const Column& column : table.columns) columns += (columns.empty() ? "" : ", ") + column.name;
  return {with_key, fmt::format("CREATE VIEW {0}{1} AS SELECT {2} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY k "
                                "ORDER BY ts DESC) AS place FROM {0}) WHERE place = 1",
                                table.name, kLastRows, columns)};
}

Text time_literal(int64_t ms) {
  std::string text;
  types::append_timestamp(text, ms * 1000, 3);
  return {.engine = "TIMESTAMP '" + text + "'", .sqlite = std::to_string(ms)};
}

Text literal(Choices& choices, const Type& type, bool may_be_null, uint32_t values) {
  if (may_be_null && choices.chance(kNullPercent)) return same("NULL");
  switch (type.kind) {
    case ValueKind::kInt: {
      // Few values, so that rows meet; now and then any.
      const int value = choices.chance(20) ? static_cast<int>(choices.below(2 * kIntBound)) - kIntBound
                                           : static_cast<int>(choices.below(values)) - 2;
      return same(value < 0 ? fmt::format("({})", value) : std::to_string(value));
    }
    case ValueKind::kHuge: return same(fmt::format("({})", kHugeValues[choices.below(kHugeValues.size())]));
    case ValueKind::kDecimal: {
      const int cents = static_cast<int>(choices.below(1200)) - 300;
      return {.engine = fmt::format("CAST({} AS DECIMAL({}, {}))", types::int128_to_text(cents, type.scale),
                                    kDecimalDigits, type.scale),
              .sqlite = fmt::format("({})", cents)};
    }
    case ValueKind::kDouble: return same(fmt::format("({:.2f}e0)", 0.25 * (static_cast<int>(choices.below(24)) - 4)));
    case ValueKind::kString: return same(fmt::format("'{}'", kWords[choices.below(kWords.size())]));
    case ValueKind::kBool: return same(choices.chance(50) ? "TRUE" : "FALSE");
    case ValueKind::kTime: return time_literal(kFirstTimeMs + 500 * choices.below(240));
    case ValueKind::kRow: return row_literal(choices);
    case ValueKind::kArray: return array_literal(choices);
    case ValueKind::kMap: return map_literal(choices);
  }
  return same("NULL");
}

std::string json_of(const Text& literal, const Type& type) {
  if (literal.engine == "NULL") return "null";
  const auto bare = [](const std::string& text) {
    return text.starts_with("(") ? text.substr(1, text.size() - 2) : text;
  };
  switch (type.kind) {
    case ValueKind::kDecimal: return types::int128_to_text(std::stoll(bare(literal.sqlite)), type.scale);
    case ValueKind::kString: return "\"" + literal.engine.substr(1, literal.engine.size() - 2) + "\"";
    case ValueKind::kBool: return literal.engine == "TRUE" ? "true" : "false";
    case ValueKind::kTime: return "\"" + literal.engine.substr(11, 23) + "\"";
    case ValueKind::kRow: {
      const std::string fields = literal.sqlite.substr(2, literal.sqlite.size() - 4);  // in '[ and ]'
      const size_t comma = fields.find(',');
      return fmt::format("{{\"a\": {}, \"b\": {}}}", fields.substr(0, comma), fields.substr(comma + 1));
    }
    case ValueKind::kArray:
    case ValueKind::kMap: return literal.sqlite.substr(1, literal.sqlite.size() - 2);
    default: return bare(literal.engine);
  }
}

}  // namespace penstock::sqltest
