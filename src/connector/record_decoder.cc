#include "connector/record_decoder.h"

#include <algorithm>
#include <utility>

#include "columnar/change_batch.h"
#include "columnar/row_key.h"
#include "connector/table_format.h"
#include "format/change_decoder.h"

namespace penstock::connector {

namespace {

using columnar::ChangeBatch;
using columnar::ColumnBuilder;
using columnar::ColumnPtr;
using columnar::kBatchRowsMax;
using format::FailedRecord;

std::vector<ColumnBuilder> make_builders(const types::Schema& schema) {
  std::vector<ColumnBuilder> builders;
  for (const types::Field& field : schema) builders.emplace_back(field.type, kBatchRowsMax);
  return builders;
}

std::vector<ColumnPtr> finish(std::vector<ColumnBuilder>& builders) {
  std::vector<ColumnPtr> columns;
  for (ColumnBuilder& builder : builders) columns.push_back(builder.finish());
  return columns;
}

// A record is a new row; records without a value are none.
class ValueDecoder : public RecordDecoder {
 public:
  ValueDecoder(std::unique_ptr<format::RowDecoder> decoder, const types::Schema& columns)
      : decoder_(std::move(decoder)), builders_(make_builders(columns)) {}

  void decode(const RawRecords& records, DecodedRows& rows, std::vector<FailedRecord>& failed) override {
    values_.clear();
    rows.records.clear();
    for (uint32_t record = 0; record < records.values.size(); ++record) {
      if (records.values[record].data() == nullptr) continue;
      values_.push_back(records.values[record]);
      rows.records.push_back(record);
    }
    decoder_->decode(values_, records.readable, builders_, failed);
    rows.columns = finish(builders_);
    if (failed.empty()) return;
    for (FailedRecord& one : failed) one.record = rows.records[one.record];
    size_t next = 0;
    std::erase_if(rows.records, [&](uint32_t record) {
      const bool is_failed = next < failed.size() && failed[next].record == record;
      if (is_failed) ++next;
      return is_failed;
    });
  }

 private:
  const std::unique_ptr<format::RowDecoder> decoder_;
  std::vector<ColumnBuilder> builders_;
  std::vector<std::string_view> values_;
};

// A record has columns in its key, too. It says what the row with its key is now, or it is a new row; then one without
// a value is none, and the one column of a raw key may be NULL: the record has no key.
class KeyedDecoder : public RecordDecoder {
 public:
  // Of the columns that are read, the place of each among those of the key or of the value.
  struct Place {
    bool in_key = false;
    size_t index = 0;
  };
  struct Part {
    std::unique_ptr<format::RowDecoder> decoder;  // null: the table has no column in it, so that anything may be there
    std::vector<ColumnBuilder> builders;
  };

  KeyedDecoder(Part key, Part value, std::vector<Place> places, const RecordFormat& format)
      : key_(std::move(key)),
        value_(std::move(value)),
        places_(std::move(places)),
        upserts_(format.upserts),
        needs_key_(format.upserts || format.key->kind != format::FormatKind::kRaw) {}

  void decode(const RawRecords& records, DecodedRows& rows, std::vector<FailedRecord>& failed) override {
    decode_keys(records, failed);
    rows.records.clear();
    rows.gone.clear();
    chosen_.clear();
    for (size_t begin = 0, end = 0; begin < keyed_.size(); begin = end) {
      const bool gone = is_gone(records, begin);
      while (end < keyed_.size() && is_gone(records, end) == gone) ++end;
      gone ? add_gone(begin, end) : decode_values(records, begin, end, failed);
      if (upserts_) rows.gone.resize(chosen_.size(), gone ? 1 : 0);
    }
    ChangeBatch keys(keyed_.size(), finish(key_.builders));
    if (chosen_.size() < keyed_.size()) keys = keys.take(chosen_);
    for (const uint16_t row : chosen_) rows.records.push_back(keyed_[row]);
    const std::vector<ColumnPtr> values = finish(value_.builders);
    rows.columns.clear();
    for (const Place& place : places_) {
      rows.columns.push_back(place.in_key ? keys.column(place.index) : values[place.index]);
    }
    std::ranges::sort(failed, {}, &FailedRecord::record);
  }

 private:
  bool is_gone(const RawRecords& records, size_t row) const { return records.values[keyed_[row]].data() == nullptr; }

  // Fills keyed_ with the records whose keys can be read.
  void decode_keys(const RawRecords& records, std::vector<FailedRecord>& failed) {
    texts_.clear();
    keyed_.clear();
    for (uint32_t record = 0; record < records.values.size(); ++record) {
      if (!upserts_ && records.values[record].data() == nullptr) continue;
      const std::string_view key = records.keys.empty() ? std::string_view() : records.keys[record];
      if (key.data() == nullptr && needs_key_) {
        // One that has neither key nor value says nothing.
        const bool says_something = records.values[record].data() != nullptr;
        if (says_something) failed.push_back({.record = record, .ignored = false, .message = "the record has no key"});
        continue;
      }
      texts_.push_back(key);
      keyed_.push_back(record);
    }
    failed_.clear();
    key_.decoder->decode(texts_, records.readable, key_.builders, failed_);
    for (FailedRecord& one : failed_) {
      failed.push_back({.record = keyed_[one.record], .ignored = one.ignored, .message = "key: " + one.message});
    }
    size_t next = 0;
    uint32_t row = 0;
    std::erase_if(keyed_, [&](uint32_t /*record*/) {
      const bool is_failed = next < failed_.size() && failed_[next].record == row++;
      if (is_failed) ++next;
      return is_failed;
    });
  }

  void add_gone(size_t begin, size_t end) {
    for (size_t row = begin; row < end; ++row) {
      for (ColumnBuilder& builder : value_.builders) builder.append_null();
      chosen_.push_back(static_cast<uint16_t>(row));
    }
  }

  void decode_values(const RawRecords& records, size_t begin, size_t end, std::vector<FailedRecord>& failed) {
    texts_.clear();
    for (size_t row = begin; row < end; ++row) texts_.push_back(records.values[keyed_[row]]);
    failed_.clear();
    if (value_.decoder != nullptr) value_.decoder->decode(texts_, records.readable, value_.builders, failed_);
    size_t next = 0;
    for (size_t row = begin; row < end; ++row) {
      if (next < failed_.size() && failed_[next].record == row - begin) {
        failed_[next].record = keyed_[row];
        failed.push_back(std::move(failed_[next++]));
      } else {
        chosen_.push_back(static_cast<uint16_t>(row));
      }
    }
  }

  Part key_;
  Part value_;
  const std::vector<Place> places_;
  const bool upserts_;
  const bool needs_key_;
  std::vector<std::string_view> texts_;
  std::vector<uint32_t> keyed_;
  columnar::Selection chosen_;  // rows of keyed_
  std::vector<FailedRecord> failed_;
};

// A record is an event about a row; records without a value are none. Of an update that leaves the key as it is, only
// the new row is told: nothing is gone.
class EventDecoder : public RecordDecoder {
 public:
  // `key`: places of the primary key among the columns; empty: rows are known by all of them.
  EventDecoder(std::unique_ptr<format::ChangeDecoder> decoder, const types::Schema& columns, std::vector<int> key)
      : decoder_(std::move(decoder)), builders_(make_builders(columns)), key_(std::move(key)) {}

  size_t rows_per_record() const override { return 2; }

  void decode(const RawRecords& records, DecodedRows& rows, std::vector<FailedRecord>& failed) override {
    events_.clear();
    decoder_->decode(records.values, records.readable, builders_, events_, failed);
    rows.columns = finish(builders_);
    rows.records.clear();
    rows.gone.clear();
    chosen_.clear();
    for (size_t row = 0; row < events_.size(); ++row) {
      if (!key_.empty() && is_old_form(row, rows.columns)) continue;
      chosen_.push_back(static_cast<uint16_t>(row));
      rows.records.push_back(events_[row].record);
      rows.gone.push_back(events_[row].gone ? 1 : 0);
    }
    if (chosen_.size() == events_.size()) return;
    rows.columns = ChangeBatch(events_.size(), std::move(rows.columns)).take(chosen_).columns();
  }

 private:
  // Whether the row is gone, and the next one of the same record has its key.
  bool is_old_form(size_t row, const std::vector<ColumnPtr>& columns) {
    const size_t next = row + 1;
    if (!events_[row].gone || next == events_.size() || events_[next].record != events_[row].record) return false;
    for (std::string* text : {&old_key_, &new_key_}) text->clear();
    for (const int column : key_) {
      const std::span<const ColumnPtr> one(&columns[static_cast<size_t>(column)], 1);
      columnar::append_key(old_key_, one, row);
      columnar::append_key(new_key_, one, next);
    }
    return old_key_ == new_key_;
  }

  const std::unique_ptr<format::ChangeDecoder> decoder_;
  std::vector<ColumnBuilder> builders_;
  const std::vector<int> key_;
  std::vector<format::RowEvent> events_;
  columnar::Selection chosen_;  // rows of events_
  std::string old_key_;
  std::string new_key_;
};

Result<std::unique_ptr<RecordDecoder>> make_event_decoder(const RecordFormat& format, const ScanRequest& request) {
  std::vector<size_t> wanted;
  std::vector<size_t> key;
  for (const types::Field& field : request.physical) {
    wanted.push_back(static_cast<size_t>(types::find_field(request.columns, field.name)));
  }
  for (const std::string& name : request.primary_key) {
    const int column = types::find_field(request.columns, name);
    if (column < 0) return not_found("there is no physical column \"{}\"", name);
    key.push_back(static_cast<size_t>(column));
  }
  auto decoder =
      PENSTOCK_TRY(format::ChangeDecoder::make(format.value, request.columns, {.wanted = wanted, .key = key}));
  std::vector<int> key_places;
  for (const std::string& name : request.primary_key) {
    key_places.push_back(types::find_field(request.physical, name));
  }
  // Where a part of the key is not read, nobody asks which row it is.
  if (std::ranges::count(key_places, -1) > 0) key_places.clear();
  return std::make_unique<EventDecoder>(std::move(decoder), request.physical, std::move(key_places));
}

Result<std::unique_ptr<RecordDecoder>> make_keyed_decoder(const RecordFormat& format, const ScanRequest& request) {
  const std::vector<std::string>& key_columns = format.columns_of_key(request.primary_key);
  const types::Schema fields = PENSTOCK_TRY(key_fields(format, request.columns, request.primary_key));
  std::vector<KeyedDecoder::Place> places;
  types::Schema of_key;  // what is read of the key, and of the value
  types::Schema of_value;
  for (const types::Field& column : request.physical) {
    const auto at = std::ranges::find(key_columns, column.name);
    const bool in_key = at != key_columns.end();
    types::Schema& part = in_key ? of_key : of_value;
    places.push_back({.in_key = in_key, .index = part.size()});
    part.push_back(in_key ? fields[static_cast<size_t>(at - key_columns.begin())] : column);
  }
  KeyedDecoder::Part key{.decoder = PENSTOCK_TRY(make_row_decoder(*format.key, fields, of_key)),
                         .builders = make_builders(of_key)};
  const types::Schema value_columns = value_fields(format, request.columns, request.primary_key);
  KeyedDecoder::Part value{.decoder = nullptr, .builders = make_builders(of_value)};
  if (!value_columns.empty()) value.decoder = PENSTOCK_TRY(make_row_decoder(format.value, value_columns, of_value));
  return std::make_unique<KeyedDecoder>(std::move(key), std::move(value), std::move(places), format);
}

}  // namespace

Result<types::Schema> key_fields(const RecordFormat& format, const types::Schema& columns,
                                 const std::vector<std::string>& primary_key) {
  const std::string& prefix = format.key_prefix;
  types::Schema fields;
  for (const std::string& name : format.columns_of_key(primary_key)) {
    const int column = types::find_field(columns, name);
    if (column < 0) return not_found("there is no physical column \"{}\"", name);
    if (!name.starts_with(prefix)) {
      return invalid_argument("option 'key.fields-prefix': column {} of the {} does not begin with '{}'", name,
                              format.upserts ? "primary key" : "key", prefix);
    }
    fields.push_back({name.substr(prefix.size()), columns[static_cast<size_t>(column)].type});
  }
  return fields;
}

types::Schema value_fields(const RecordFormat& format, const types::Schema& columns,
                           const std::vector<std::string>& primary_key) {
  types::Schema fields = columns;
  if (format.key_in_value) return fields;
  const std::vector<std::string>& key = format.columns_of_key(primary_key);
  std::erase_if(fields, [&](const types::Field& field) { return std::ranges::find(key, field.name) != key.end(); });
  return fields;
}

Result<std::unique_ptr<RecordDecoder>> RecordDecoder::make(const RecordFormat& format, const ScanRequest& request) {
  if (format.value.is_events()) return make_event_decoder(format, request);
  if (format.reads_keys()) return make_keyed_decoder(format, request);
  auto decoder = PENSTOCK_TRY(make_row_decoder(format.value, request.columns, request.physical, request.fields));
  return std::make_unique<ValueDecoder>(std::move(decoder), request.physical);
}

}  // namespace penstock::connector
