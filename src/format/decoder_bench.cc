// Decoding of events as they come from a topic: three and four wanted columns of eight.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <random>

#include "columnar/column.h"
#include "format/decoder.h"

namespace penstock::format {
namespace {

constexpr size_t kEvents = 2048;

struct Events {
  std::string buffer;
  std::vector<std::string_view> records;
};

Events sensor_events(bool csv) {
  std::mt19937_64 random(1);
  Events events;
  std::vector<size_t> ends;
  for (size_t i = 0; i < kEvents; ++i) {
    auto out = std::back_inserter(events.buffer);
    std::string at = fmt::format("2026-01-02 03:{:02}:{:02}.{:03}", i / 60 % 60, i % 60, random() % 1000);
    if (csv) {
      fmt::format_to(out, "sensor-{},{},{}.{},hall {},{},ok,{},v2", random() % 1000, at, 20 + random() % 10,
                     random() % 100, random() % 8, random() % 100, 1000 + i);
    } else {
      fmt::format_to(out,
                     R"({{"sensor":"sensor-{}","at":"{}","temperature":{}.{},"place":"hall {}","humidity":{},)"
                     R"("status":"ok","sequence":{},"version":"v2"}})",
                     random() % 1000, at, 20 + random() % 10, random() % 100, random() % 8, random() % 100, 1000 + i);
    }
    ends.push_back(events.buffer.size());
  }
  size_t begin = 0;
  events.buffer.append(kDecodePaddingBytes, ' ');
  for (size_t end : ends) {
    events.records.push_back(std::string_view(events.buffer).substr(begin, end - begin));
    begin = end;
  }
  return events;
}

types::Schema sensor_schema() {
  using types::TypeKind;
  return {{"sensor", TypeKind::kString},   {"at", types::DataType::timestamp(3)}, {"temperature", TypeKind::kDouble},
          {"place", TypeKind::kString},    {"humidity", TypeKind::kInt},          {"status", TypeKind::kString},
          {"sequence", TypeKind::kBigInt}, {"version", TypeKind::kString}};
}

void decode_events(benchmark::State& state, bool csv, std::vector<size_t> wanted) {
  Events events = sensor_events(csv);
  types::Schema schema = sensor_schema();
  FormatOptions options{.kind = csv ? FormatKind::kCsv : FormatKind::kJson};
  auto decoder = RowDecoder::make(options, schema, wanted).value();
  std::vector<columnar::ColumnBuilder> builders;
  for (size_t column : wanted) builders.emplace_back(schema[column].type);
  std::vector<FailedRecord> failed;
  for (auto _ : state) {
    decoder->decode(events.records, events.buffer, builders, failed);
    for (columnar::ColumnBuilder& builder : builders) benchmark::DoNotOptimize(builder.finish());
  }
  if (!failed.empty()) state.SkipWithError(failed[0].message.c_str());
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kEvents));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(events.buffer.size()));
}

BENCHMARK_CAPTURE(decode_events, json_first_three, false, {0, 1, 2});
BENCHMARK_CAPTURE(decode_events, json_four_spread, false, {0, 1, 2, 6});
BENCHMARK_CAPTURE(decode_events, json_all, false, {0, 1, 2, 3, 4, 5, 6, 7});
BENCHMARK_CAPTURE(decode_events, csv_four_spread, true, {0, 1, 2, 6});

}  // namespace
}  // namespace penstock::format
