#include "app/demo/check.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "app/client/kafka_client.h"
#include "columnar/change_batch.h"
#include "types/value.h"

namespace penstock::app {

namespace {

constexpr int64_t kMinuteUs = 60'000'000;
constexpr int64_t kErrorWindowUs = 10'000'000;
constexpr int64_t kWatermarkDelayUs = 2'000'000;
constexpr int64_t kMillisecondUs = 1000;
constexpr int kConsumeTimeoutMs = 5000;

struct Sum {
  int64_t count = 0;
  double total = 0;
  double largest = 0;
};

// What the views ought to hold.
struct Expected {
  std::map<std::string, Sum> merchants;
  std::map<std::pair<int64_t, std::string>, Sum> minutes;        // by window start and category
  std::map<int64_t, std::pair<int64_t, int64_t>> error_windows;  // failed, all
  std::multiset<std::string> suspicious;
  std::map<int32_t, int64_t> latest_us;  // event time by partition
  int64_t transactions = 0;

  // The watermark that all partitions have passed.
  int64_t watermark_us() const {
    int64_t least = INT64_MAX;
    for (const auto& [partition, time_us] : latest_us) least = std::min(least, time_us - kWatermarkDelayUs);
    return latest_us.empty() ? INT64_MIN : least;
  }
};

Status add_transaction(Expected& expected, simdjson::dom::parser& parser, const ConsumedRecord& record) {
  simdjson::dom::element json;
  std::string_view id;
  std::string_view time;
  std::string_view merchant;
  std::string_view category;
  double amount = 0;
  const bool good =
      parser.parse(record.value.data(), record.value.size()).get(json) == simdjson::SUCCESS &&
      json["transaction_id"].get(id) == simdjson::SUCCESS && json["timestamp"].get(time) == simdjson::SUCCESS &&
      json["merchant"].get(merchant) == simdjson::SUCCESS && json["category"].get(category) == simdjson::SUCCESS &&
      json["amount"].get(amount) == simdjson::SUCCESS;
  if (!good) return invalid_argument("a transaction in the topic is malformed: {}", record.value);
  const int64_t time_us = PENSTOCK_TRY(types::timestamp_from_text(time, false));
  ++expected.transactions;
  auto& latest = expected.latest_us.try_emplace(record.partition, time_us).first->second;
  latest = std::max(latest, time_us);
  const auto add = [&](Sum& sum) {
    ++sum.count;
    sum.total += amount;
    sum.largest = std::max(sum.largest, amount);
  };
  if (amount > 0) add(expected.merchants[std::string(merchant)]);
  if (amount > 1000) add(expected.minutes[{time_us - time_us % kMinuteUs, std::string(category)}]);
  if (amount > 10000) expected.suspicious.emplace(id);
  auto& [failed, all] = expected.error_windows[time_us - time_us % kErrorWindowUs];
  failed += amount <= 0 ? 1 : 0;
  ++all;
  return {};
}

Status consume_all(const std::string& kafka_address, const std::string& topic,
                   const std::function<Status(const ConsumedRecord&)>& take) {
  const auto consumer = PENSTOCK_TRY(KafkaConsumer::make(kafka_address, topic));
  int64_t left = PENSTOCK_TRY(consumer->end_offsets_total());
  Status status;
  while (left > 0 && status) {
    const size_t taken = PENSTOCK_TRY(consumer->consume(kConsumeTimeoutMs, [&](const ConsumedRecord& record) {
      if (status) status = take(record);
    }));
    if (taken == 0) return make_error(ErrorCode::kTimeout, "topic {}: {} records are missing", topic, left);
    left -= static_cast<int64_t>(taken);
  }
  return status;
}

using Rows = std::vector<std::vector<types::Value>>;

Result<Rows> select(engine::Session& session, std::string_view sql) {
  const auto cursor = PENSTOCK_TRY(session.execute(sql));
  Rows rows;
  for (;;) {
    const auto batch = PENSTOCK_TRY(cursor->next());
    if (!batch) return rows;
    for (size_t row = 0; row < batch->rows(); ++row) {
      std::vector<types::Value>& values = rows.emplace_back();
      for (const columnar::ColumnPtr& column : batch->columns()) values.push_back(column->value(row));
    }
  }
}

// Sums of doubles depend on their order in the last digits.
bool close_to(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)}); }

Status check_merchants(engine::Session& session, const Expected& expected) {
  const Rows rows = PENSTOCK_TRY(select(session, "SELECT merchant, transactions, total, largest FROM merchant_totals"));
  if (rows.size() != expected.merchants.size()) {
    return make_error(ErrorCode::kInternal, "merchant_totals has {} rows, expected {}", rows.size(),
                      expected.merchants.size());
  }
  for (const auto& row : rows) {
    const auto it = expected.merchants.find(row[0].as_string());
    const bool right = it != expected.merchants.end() && row[1].as_int64() == it->second.count &&
                       close_to(row[2].as_double(), it->second.total) && row[3].as_double() == it->second.largest;
    if (!right) return make_error(ErrorCode::kInternal, "merchant_totals is wrong for {}", row[0].as_string());
  }
  return {};
}

Status check_minutes(engine::Session& session, const Expected& expected) {
  auto closed = expected.minutes;
  std::erase_if(closed, [&](const auto& window) {
    return window.first.first + kMinuteUs - kMillisecondUs > expected.watermark_us();
  });
  const Rows rows =
      PENSTOCK_TRY(select(session, "SELECT window_start, category, total, transactions FROM spend_per_minute"));
  if (rows.size() != closed.size()) {
    return make_error(ErrorCode::kInternal, "spend_per_minute has {} rows, expected {}", rows.size(), closed.size());
  }
  for (const auto& row : rows) {
    const auto it = closed.find({row[0].as_int64(), row[1].as_string()});
    const bool right =
        it != closed.end() && close_to(row[2].as_double(), it->second.total) && row[3].as_int64() == it->second.count;
    if (!right) {
      return make_error(ErrorCode::kInternal, "spend_per_minute is wrong for {} at {}", row[1].as_string(),
                        row[0].as_int64());
    }
  }
  return {};
}

Status check_error_rate(engine::Session& session, const Expected& expected) {
  std::optional<double> rate;
  for (const auto& [start_us, counts] : expected.error_windows) {
    if (start_us + kErrorWindowUs - kMillisecondUs > expected.watermark_us()) break;
    rate = static_cast<double>(counts.first) / static_cast<double>(counts.second);
  }
  const Rows rows = PENSTOCK_TRY(select(session, "SELECT error_rate FROM error_rate"));
  if (!rate) return {};
  if (rows.size() == 1 && !rows[0][0].is_null() && close_to(rows[0][0].as_double(), *rate)) return {};
  return make_error(ErrorCode::kInternal, "error_rate is wrong: expected one row with {}", *rate);
}

}  // namespace

Result<std::string> check_demo(const std::string& kafka_address, engine::Engine& engine) {
  const auto session = engine.create_session();
  PENSTOCK_TRY(session->execute("FLUSH"));
  Expected expected;
  simdjson::dom::parser parser;
  PENSTOCK_TRY(consume_all(kafka_address, "transactions",
                           [&](const ConsumedRecord& record) { return add_transaction(expected, parser, record); }));
  PENSTOCK_TRY(check_merchants(*session, expected));
  PENSTOCK_TRY(check_minutes(*session, expected));
  PENSTOCK_TRY(check_error_rate(*session, expected));
  std::multiset<std::string> written;
  PENSTOCK_TRY(consume_all(kafka_address, "alerts", [&](const ConsumedRecord& record) -> Status {
    simdjson::dom::element json;
    std::string_view id;
    if (parser.parse(record.value.data(), record.value.size()).get(json) != simdjson::SUCCESS ||
        json["transaction_id"].get(id) != simdjson::SUCCESS) {
      return invalid_argument("a record of the topic alerts is malformed: {}", record.value);
    }
    written.emplace(id);
    return {};
  }));
  if (written != expected.suspicious) {
    return make_error(ErrorCode::kInternal, "the topic alerts has {} transactions, expected {}", written.size(),
                      expected.suspicious.size());
  }
  return fmt::format("check passed: {} transactions, {} merchants, {} category minutes, {} suspicious",
                     expected.transactions, expected.merchants.size(), expected.minutes.size(),
                     expected.suspicious.size());
}

}  // namespace penstock::app
