// An engine with views that are changed by hand, for the tests of this module.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/fake_engine_test.h"
#include "view/view.h"

namespace penstock::http {

inline const types::Schema kWordSchema = {{"word", types::TypeKind::kString}, {"n", types::TypeKind::kBigInt}};

class EngineWithViews : public engine::FakeEngine {
 public:
  void add_view(const std::string& name, bool metric = false) {
    auto made = view::View::make({.name = name, .schema = kWordSchema, .key = {0}});
    views_[name] = {.name = name,
                    .sql = "CREATE MATERIALIZED VIEW " + name,
                    .schema = kWordSchema,
                    .key = {0},
                    .time_column = std::nullopt,
                    .metric = metric,
                    .view = std::move(made)};
  }
  // An epoch of a view: "+ a 1 | - b 2".
  void change(const std::string& name, const std::string& text) {
    auto batch = columnar::batch_from_text(text, kWordSchema);
    ASSERT_TRUE(batch) << batch.error().message();
    view::View& changed = *views_.at(name).view;
    const Epoch epoch(changed.epoch().value() + 1);
    changed.stage(epoch, *std::move(batch));
    ASSERT_TRUE(changed.publish(epoch));
  }
  view::View& view(const std::string& name) { return *views_.at(name).view; }
  void canned(const std::string& sql, const std::vector<std::string>& batches) {
    statements[sql] = {.parameters = {}, .schema = kWordSchema, .batches = batches, .tag = "SELECT", .error = {}};
  }

  std::vector<engine::ViewInfo> views() const override {
    std::vector<engine::ViewInfo> out;
    for (const auto& [name, info] : views_) out.push_back(info);
    return out;
  }
  std::optional<engine::ViewInfo> find_view(std::string_view name) const override {
    const auto it = views_.find(std::string(name));
    if (it == views_.end()) return std::nullopt;
    return it->second;
  }

 private:
  std::map<std::string, engine::ViewInfo> views_;
};

// "+ row0 7 | + row1 7 | ..."
inline std::string rows_text(int rows, int64_t n, char sign = '+') {
  std::string text;
  for (int i = 0; i < rows; ++i) text += fmt::format("{}{} row{} {}", i == 0 ? "" : " | ", sign, i, n);
  return text;
}

}  // namespace penstock::http
