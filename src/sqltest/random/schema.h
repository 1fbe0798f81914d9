// The tables of a random test, and the types of what is computed from them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sqltest/random/choices.h"
#include "sqltest/random/dialects.h"

namespace penstock::sqltest {

enum class ValueKind : uint8_t {
  kInt,      // INT or BIGINT, with arithmetic
  kHuge,     // BIGINT up to its limits: compared, never computed with, as SQLite does not wrap around
  kDecimal,  // DECIMAL(p, scale)
  kDouble,   // of values whose sums are exact in every order
  kString,
  kBool,
  kTime,  // TIMESTAMP(3)
  // Nested: only kept, compared as a whole and taken apart. To SQLite they are JSON.
  kRow,    // ROW<a BIGINT, b STRING>, an array in JSON
  kArray,  // ARRAY<BIGINT>
  kMap,    // MAP<STRING, BIGINT>
};

struct Type {
  ValueKind kind = ValueKind::kInt;
  bool wide = false;     // kInt: BIGINT
  int scale = 0;         // kDecimal
  double bound = 0;      // of the absolute value, in units of 10^-scale: nothing may overflow in either dialect
  bool inexact = false;  // kDouble: sums of it depend on the order
};

bool is_nested(const Type& type);

struct Column {
  std::string name;
  Type type;
};

// A table or a view, as queries see it.
struct Relation {
  std::string name;
  std::vector<Column> columns;
  bool stream = false;             // rows that only come, with a watermark on the column ts
  bool time_may_be_null = false;   // of a stream
  int64_t watermark_delay_ms = 0;  // of a stream or upserts
  int32_t partitions = 1;          // of a stream's topic
  bool local = false;              // of a stream: ts is the local time of the column at, which the watermark is on
  bool late = false;               // of a stream: rows may come behind the watermark
  bool view = false;
  bool upsert = false;    // a topic whose records change the row of their key, or remove it
  int key = -1;           // the column that is the primary key; native tables only
  bool end_only = false;  // a view whose result is complete only at the end of the input
  bool of_topic() const { return stream || upsert; }
  bool without_oracle = false;  // SQLite has not what the view computes
  bool unfinished = false;      // its rows are: it is such a view, or reads one
};

inline constexpr const char* kTimeColumn = "ts";
// Of upserts, which change rows of any time: no window closes before the input ends.
inline constexpr int64_t kDayMs = 86'400'000;
inline constexpr int64_t kNothingIsLateMs = 90 * kDayMs;
inline constexpr const char* kMomentColumn = "at";
// The zone of all sessions, whose clocks are put back by half an hour.
inline constexpr const char* kTimeZone = "Australia/Lord_Howe";
inline constexpr int64_t kPutBackMs = 1'775'314'800'000;  // 4 April 2026, 15:00:00 UTC
inline constexpr int64_t kOffsetBeforeMs = 39'600'000;
inline constexpr int64_t kOffsetAfterMs = 37'800'000;
inline constexpr int64_t kShownTwiceMs = kOffsetBeforeMs - kOffsetAfterMs;
// 2026-01-01 00:00:00 UTC, a multiple of every window's size but for weeks.
inline constexpr int64_t kFirstTimeMs = 1'767'225'600'000;

std::vector<Relation> make_tables(Choices& choices);
// How many different values rows of tables mostly have.
inline constexpr uint32_t kUsualValues = 7;
// CREATE TABLE; of a stream without its last parenthesis's options for the end, which the runner adds.
Text create_table(const Relation& table);
// Of a stream that can have versions, which are the last rows of each k: a table with that key over the same topic, and
// a view. Their names are that of the stream and kVersions, kLastRows.
bool has_versions(const Relation& table);
std::vector<std::string> create_versions(const Relation& table);
inline constexpr const char* kVersions = "_versions";
inline constexpr const char* kLastRows = "_last";
std::string type_name(const Type& type);

// Between the key and the value of a record, in input blocks.
inline constexpr std::string_view kKeyArrow = " => ";

// A literal of the type, NULL now and then; of so many values mostly.
Text literal(Choices& choices, const Type& type, bool may_be_null, uint32_t values = kUsualValues);
Text time_literal(int64_t ms);
// The literal as JSON.
std::string json_of(const Text& literal, const Type& type);

}  // namespace penstock::sqltest
