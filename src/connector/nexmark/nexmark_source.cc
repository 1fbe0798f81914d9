#include "connector/nexmark/nexmark_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/suggest.h"
#include "columnar/nested.h"
#include "connector/datagen/generated_scan.h"
#include "connector/nexmark/nexmark_events.h"
#include "types/value.h"

namespace penstock::connector {

namespace {

using columnar::Column;
using columnar::ColumnPtr;
using columnar::StringCell;
using columnar::StringHeap;
using types::DataType;
using types::TypeKind;
using EventsPtr = std::shared_ptr<const NexmarkEvents>;

constexpr int64_t kProportionMax = 1'000'000;
constexpr int64_t kRatioMax = 1'000'000;
constexpr int64_t kSizeMax = 100'000;
constexpr int64_t kRateMax = 1'000'000'000;

constexpr OptionDoc kOptions[] = {
    {"first-event.rate", "10000", "Events in a second of event time; with 'rate.limited' of the clock's, too."},
    {"next-event.rate", "", "Taken for the sake of the benchmark's own definitions; the rate is always the first."},
    {"rate.limited", "false", "Events come at their rate, and not as fast as they are taken."},
    {"events.num", "0", "The table ends after so many events; 0: never."},
    {"base-time", "2015-07-15 00:00:00", "The time of the first event."},
    {"seed", "0", "A whole number: tables with the same one have the same events."},
    {"person.proportion", "1", "How many of all proportions are persons."},
    {"auction.proportion", "3", "How many are auctions."},
    {"bid.proportion", "46", "How many are bids."},
    {"bid.hot-ratio.auctions", "2", "One bid in so many is not for a hot auction."},
    {"bid.hot-ratio.bidders", "4", "One bid in so many is not of a hot bidder."},
    {"auction.hot-ratio.sellers", "4", "One auction in so many is not of a hot seller."},
    {"person.avg-size", "200b", "The average size of a person, to which the field `extra` fills it up."},
    {"auction.avg-size", "500b", "The same of an auction."},
    {"bid.avg-size", "100b", "The same of a bid."},
};

constexpr std::array<std::string_view, 3> kKindColumns{"person", "auction", "bid"};
constexpr std::string_view kTypeColumn = "event_type";

// --- columns ---

// A field of the events of one kind; NULL for the others.
template <auto kMethod, NexmarkKind kKind>
class EventField : public FieldGenerator {
 public:
  static constexpr bool kNeedsHeap =
      std::is_invocable_v<decltype(kMethod), const NexmarkEvents&, NexmarkPlace, StringHeap&>;
  static auto value_of(const NexmarkEvents& events, NexmarkPlace at, StringHeap& heap) {
    if constexpr (kNeedsHeap) {
      return (events.*kMethod)(at, heap);
    } else {
      return (events.*kMethod)(at);
    }
  }
  using Value = decltype(value_of(std::declval<const NexmarkEvents&>(), {}, std::declval<StringHeap&>()));

  EventField(EventsPtr events, DataType type) : events_(std::move(events)), type_(type) {}

  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    std::vector<Value> values(rows);
    std::vector<uint8_t> nulls(rows, 1);
    const auto heap = std::make_shared<StringHeap>();
    NexmarkPlace at = events_->place_of(first_row);
    for (size_t i = 0; i < rows; ++i, at = events_->next(at)) {
      if (events_->kind(at) != kKind) continue;
      values[i] = value_of(*events_, at, *heap);
      nulls[i] = 0;
    }
    if constexpr (std::is_same_v<Value, StringCell>) {
      return std::make_shared<Column>(type_, std::move(values), std::move(nulls),
                                      std::vector<Column::Owner>{events_, heap});
    } else {
      return std::make_shared<Column>(type_, std::move(values), std::move(nulls));
    }
  }

 private:
  const EventsPtr events_;
  const DataType type_;
};

class EventType : public FieldGenerator {
 public:
  EventType(EventsPtr events, DataType type) : events_(std::move(events)), type_(type) {}

  ColumnPtr generate(int64_t first_row, size_t rows, int64_t /*now_us*/) const override {
    std::vector<int64_t> values(rows);
    NexmarkPlace at = events_->place_of(first_row);
    for (size_t i = 0; i < rows; ++i, at = events_->next(at)) values[i] = static_cast<int64_t>(events_->kind(at));
    return std::make_shared<Column>(type_, std::move(values), std::vector<uint8_t>());
  }

 private:
  const EventsPtr events_;
  const DataType type_;
};

// A whole person, auction or bid.
class WholeEvent : public FieldGenerator {
 public:
  WholeEvent(EventsPtr events, DataType type, NexmarkKind kind, std::vector<FieldGeneratorPtr> fields)
      : events_(std::move(events)), type_(type), kind_(kind), fields_(std::move(fields)) {}

  ColumnPtr generate(int64_t first_row, size_t rows, int64_t now_us) const override {
    columnar::NestedParts parts;
    for (const FieldGeneratorPtr& field : fields_) parts.columns.push_back(field->generate(first_row, rows, now_us));
    std::vector<uint8_t> nulls(rows);
    NexmarkPlace at = events_->place_of(first_row);
    for (size_t i = 0; i < rows; ++i, at = events_->next(at)) {
      parts.ends.push_back(static_cast<uint32_t>(i + 1));
      nulls[i] = events_->kind(at) != kind_ ? 1 : 0;
    }
    return columnar::put_together(type_, parts, std::move(nulls));
  }

 private:
  const EventsPtr events_;
  const DataType type_;
  const NexmarkKind kind_;
  const std::vector<FieldGeneratorPtr> fields_;
};

struct Field {
  NexmarkKind kind;
  std::string_view name;
  TypeKind type;
  FieldGeneratorPtr (*make)(EventsPtr events, DataType type);
};

template <auto kMethod, NexmarkKind kKind>
FieldGeneratorPtr make_field(EventsPtr events, DataType type) {
  return std::make_shared<EventField<kMethod, kKind>>(std::move(events), type);
}

template <auto kMethod, NexmarkKind kKind>
constexpr Field field(std::string_view name, TypeKind type) {
  return {.kind = kKind, .name = name, .type = type, .make = &make_field<kMethod, kKind>};
}

using enum NexmarkKind;
using E = NexmarkEvents;
constexpr std::array kFields{
    field<&E::person_id, kPerson>("id", TypeKind::kBigInt),
    field<&E::person_name, kPerson>("name", TypeKind::kString),
    field<&E::email, kPerson>("emailAddress", TypeKind::kString),
    field<&E::credit_card, kPerson>("creditCard", TypeKind::kString),
    field<&E::city, kPerson>("city", TypeKind::kString),
    field<&E::state, kPerson>("state", TypeKind::kString),
    field<&E::event_time_us, kPerson>("dateTime", TypeKind::kTimestamp),
    field<&E::person_extra, kPerson>("extra", TypeKind::kString),
    field<&E::auction_id, kAuction>("id", TypeKind::kBigInt),
    field<&E::item_name, kAuction>("itemName", TypeKind::kString),
    field<&E::description, kAuction>("description", TypeKind::kString),
    field<&E::initial_bid, kAuction>("initialBid", TypeKind::kBigInt),
    field<&E::reserve, kAuction>("reserve", TypeKind::kBigInt),
    field<&E::event_time_us, kAuction>("dateTime", TypeKind::kTimestamp),
    field<&E::expires_us, kAuction>("expires", TypeKind::kTimestamp),
    field<&E::seller, kAuction>("seller", TypeKind::kBigInt),
    field<&E::category, kAuction>("category", TypeKind::kBigInt),
    field<&E::auction_extra, kAuction>("extra", TypeKind::kString),
    field<&E::bid_auction, kBid>("auction", TypeKind::kBigInt),
    field<&E::bidder, kBid>("bidder", TypeKind::kBigInt),
    field<&E::price, kBid>("price", TypeKind::kBigInt),
    field<&E::channel, kBid>("channel", TypeKind::kString),
    field<&E::url, kBid>("url", TypeKind::kString),
    field<&E::event_time_us, kBid>("dateTime", TypeKind::kTimestamp),
    field<&E::bid_extra, kBid>("extra", TypeKind::kString),
};

std::vector<std::string> field_names(NexmarkKind kind) {
  std::vector<std::string> names;
  for (const Field& field : kFields) {
    if (field.kind == kind) names.emplace_back(field.name);
  }
  return names;
}

// The columns of a table are checked when it is declared, so that planning cannot fail.
class Columns {
 public:
  explicit Columns(const std::string& table) : table_(table) {}

  Result<FieldGeneratorPtr> make(const EventsPtr& events, const std::string& column, DataType type,
                                 const std::vector<std::string>& path) const {
    if (column == kTypeColumn) {
      if (!type.is_integer()) return wrong_type(column, type, "INT");
      return std::make_shared<EventType>(events, type);
    }
    const auto kind_column = std::ranges::find(kKindColumns, column);
    if (kind_column == kKindColumns.end()) {
      return not_found("table \"{}\": the connector nexmark has no column \"{}\"", table_, column)
          .hint(fmt::format("there are {}, {}", kTypeColumn, fmt::join(kKindColumns, ", ")));
    }
    const auto kind = static_cast<NexmarkKind>(kind_column - kKindColumns.begin());
    if (!path.empty()) return make_field_of(events, kind, path.front(), type);
    if (type.kind() != TypeKind::kRow) return wrong_type(column, type, "ROW");
    if (!type.nullable()) {
      return invalid_argument("table \"{}\": column {} is NULL in events of another kind, so it cannot be NOT NULL",
                              table_, column);
    }
    std::vector<FieldGeneratorPtr> fields;
    for (const types::Field& part : type.parts()) {
      fields.push_back(PENSTOCK_TRY(make_field_of(events, kind, part.name, part.type)));
    }
    return std::make_shared<WholeEvent>(events, type, kind, std::move(fields));
  }

 private:
  Result<FieldGeneratorPtr> make_field_of(const EventsPtr& events, NexmarkKind kind, const std::string& name,
                                          DataType type) const {
    const std::string_view column = kKindColumns[static_cast<size_t>(kind)];
    const auto at = std::ranges::find_if(kFields, [&](const Field& f) { return f.kind == kind && f.name == name; });
    if (at == kFields.end()) {
      const std::vector<std::string> names = field_names(kind);
      const std::string meant = did_you_mean(name, names);
      return not_found("table \"{}\", column {}: there is no field \"{}\"", table_, column, name)
          .hint(meant.empty() ? fmt::format("there are {}", fmt::join(names, ", ")) : meant);
    }
    const bool fits =
        at->type == TypeKind::kTimestamp ? type.is_timestamp() && type.precision() >= 3 : type.kind() == at->type;
    if (!fits) {
      return wrong_type(fmt::format("{}.{}", column, name), type, DataType(at->type).with_nullable(true).to_string());
    }
    return at->make(events, type);
  }

  Error wrong_type(std::string_view column, DataType type, std::string_view expected) const {
    return invalid_argument("table \"{}\", column {}: it is {}, and cannot be had as {}", table_, column, expected,
                            type.with_nullable(true).to_string());
  }

  const std::string& table_;
};

// --- tables ---

struct NexmarkTable {
  NexmarkOptions events;
  bool rate_limited = false;
  int64_t events_max = kEndless;
};

Result<NexmarkTable> parse_options(const std::string& table, const OptionMap& options) {
  TableOptions reader(table, options, kOptions);
  NexmarkTable parsed;
  NexmarkOptions& events = parsed.events;
  events.events_per_second = PENSTOCK_TRY(reader.get_int("first-event.rate", events.events_per_second, 1, kRateMax));
  PENSTOCK_TRY(reader.get_int("next-event.rate", events.events_per_second, 1, kRateMax));
  parsed.rate_limited = PENSTOCK_TRY(reader.get_bool("rate.limited", false));
  const int64_t events_max = PENSTOCK_TRY(reader.get_int("events.num", 0, 0, kEndless));
  if (events_max > 0) parsed.events_max = events_max;
  events.seed = PENSTOCK_TRY(reader.get_int("seed", 0, INT64_MIN, INT64_MAX));
  if (const std::optional<std::string> text = reader.find("base-time")) {
    const Result<types::Value> time = types::from_text(*text, DataType::timestamp(3));
    if (!time || time->is_null()) return reader.bad_value("base-time", *text, "a time such as 2015-07-15 00:00:00");
    events.base_time_us = time->as_int64();
  }
  const auto read = [&](std::string_view key, int64_t& value, int64_t max) -> Status {
    value = PENSTOCK_TRY(reader.get_int(key, value, 1, max));
    return {};
  };
  PENSTOCK_TRY(read("person.proportion", events.person_proportion, kProportionMax));
  PENSTOCK_TRY(read("auction.proportion", events.auction_proportion, kProportionMax));
  PENSTOCK_TRY(read("bid.proportion", events.bid_proportion, kProportionMax));
  PENSTOCK_TRY(read("bid.hot-ratio.auctions", events.hot_auction_ratio, kRatioMax));
  PENSTOCK_TRY(read("bid.hot-ratio.bidders", events.hot_bidder_ratio, kRatioMax));
  PENSTOCK_TRY(read("auction.hot-ratio.sellers", events.hot_seller_ratio, kRatioMax));
  const auto read_size = [&](std::string_view key, int64_t& value) -> Status {
    value = PENSTOCK_TRY(reader.get_size_bytes(key, value));
    if (value > kSizeMax) return reader.bad_value(key, fmt::to_string(value), fmt::format("at most {}", kSizeMax));
    return {};
  };
  PENSTOCK_TRY(read_size("person.avg-size", events.person_avg_size));
  PENSTOCK_TRY(read_size("auction.avg-size", events.auction_avg_size));
  PENSTOCK_TRY(read_size("bid.avg-size", events.bid_avg_size));
  PENSTOCK_TRY(reader.finish());
  return parsed;
}

}  // namespace

std::span<const OptionDoc> nexmark_option_docs() { return kOptions; }

Status validate_nexmark(const ConnectorContext& /*context*/, const TableDefinition& table) {
  PENSTOCK_TRY(parse_options(table.name, table.options));
  for (const types::Field& column : table.physical) {
    PENSTOCK_TRY(Columns(table.name).make(nullptr, column.name, column.type, {}));
  }
  return {};
}

Result<bool> is_nexmark_bounded(const std::string& table, const OptionMap& options) {
  return PENSTOCK_TRY(parse_options(table, options)).events_max != kEndless;
}

Result<SourcePlan> plan_nexmark_source(const ConnectorContext& context, ScanRequest request) {
  const NexmarkTable table = PENSTOCK_TRY(parse_options(request.table, *request.options));
  const auto events = std::make_shared<const NexmarkEvents>(table.events);
  GeneratedTable generated{.input = "nexmark:" + request.table,
                           .rows_max = table.events_max,
                           // What comes in a second of event time.
                           .rows_of_select = table.events.events_per_second,
                           .columns = {}};
  if (table.rate_limited) generated.rows_per_second = static_cast<double>(table.events.events_per_second);
  for (size_t i = 0; i < request.physical.size(); ++i) {
    const types::Field& column = request.physical[i];
    const std::vector<std::string> path = request.fields.empty() ? std::vector<std::string>() : request.fields[i];
    generated.columns.push_back(PENSTOCK_TRY(Columns(request.table).make(events, column.name, column.type, path)));
  }
  return plan_generated_scan(context, std::move(request), std::move(generated));
}

}  // namespace penstock::connector
