#include "app/demo/transactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/time.h"

namespace penstock::app {

namespace {

constexpr uint32_t kUsers = 5000;
constexpr double kFraudStartShare = 0.0008;
constexpr double kUsualFailureShare = 0.015;
constexpr double kBurstFailureShare = 0.16;
// Every three minutes the card network has trouble for half a minute.
constexpr int64_t kBurstPeriodMs = 180'000;
constexpr int64_t kBurstLengthMs = 30'000;

double uniform(std::mt19937_64& random) { return std::uniform_real_distribution<double>(0, 1)(random); }

}  // namespace

std::string Transaction::to_json() const {
  std::string time = format_iso8601_ms(time_ms * 1000);
  time.pop_back();  // the topic's times carry no zone
  return fmt::format(
      R"({{"transaction_id":"t-{}","user_id":"u-{}","amount":{:.2f},"timestamp":"{}","merchant":"{}","category":"{}"}})",
      id, user, amount, time, merchant, category);
}

TransactionGenerator::TransactionGenerator(uint64_t seed) : random_(seed) {
  struct Category {
    const char* name;
    double median_amount;
    double spread;
    std::vector<const char*> merchants;
  };
  const std::vector<Category> categories = {
      {"groceries", 38, 0.7, {"Corner Market", "Greenleaf Foods", "Harvest Hall", "Daily Basket"}},
      {"restaurants", 45, 0.7, {"Blue Door Bistro", "Noodle Bar 22", "Osteria Luna"}},
      {"fuel", 62, 0.4, {"Motorway Fuel", "Citygas"}},
      {"electronics", 420, 1.1, {"Voltage", "Pixel & Co", "Circuit House"}},
      {"travel", 640, 1.0, {"Skyline Air", "Northern Rail", "Harbour Hotels"}},
      {"jewellery", 900, 1.2, {"Aurum", "Opal Lane"}},
      {"fashion", 110, 0.9, {"Loom Street", "Tailor & Son", "Second Skin"}},
      {"health", 55, 0.8, {"Pharmacy Plus", "Clear Sight Optics"}},
  };
  std::vector<double> weights;
  for (const Category& category : categories) {
    for (const char* name : category.merchants) {
      merchants_.push_back({name, category.name, category.median_amount, category.spread});
      // Zipf over a fixed shuffle: a few merchants take most of the trade.
      const size_t rank = (merchants_.size() * 7) % 23 + 1;
      weights.push_back(1.0 / static_cast<double>(rank));
    }
  }
  merchant_choice_ = std::discrete_distribution<size_t>(weights.begin(), weights.end());
}

bool TransactionGenerator::failing_at(int64_t time_ms) const { return time_ms % kBurstPeriodMs < kBurstLengthMs; }

double TransactionGenerator::amount_at(const Merchant& merchant) {
  std::lognormal_distribution<double> amount(std::log(merchant.median_amount), merchant.spread);
  return std::clamp(std::round(amount(random_) * 100) / 100, 0.5, 9'500.0);
}

Transaction TransactionGenerator::next(int64_t time_ms) {
  Transaction t;
  t.id = next_id_++;
  const bool late = uniform(random_) < 0.1;
  t.time_ms = time_ms - (late ? static_cast<int64_t>(uniform(random_) * 1000) : 0);
  // Squaring skews the users: the first tenth of them make a third of the transactions.
  const double u = uniform(random_);
  t.user = static_cast<uint32_t>(u * u * kUsers) + 1;
  const Merchant* merchant = &merchants_[merchant_choice_(random_)];
  t.amount = amount_at(*merchant);

  if (stolen_card_uses_left_ == 0 && uniform(random_) < kFraudStartShare) {
    stolen_card_user_ = t.user;
    stolen_card_uses_left_ = 2 + static_cast<int>(uniform(random_) * 4);
  }
  if (stolen_card_uses_left_ > 0 && uniform(random_) < 0.2) {
    --stolen_card_uses_left_;
    while (merchant->median_amount < 400) merchant = &merchants_[merchant_choice_(random_)];
    t.user = stolen_card_user_;
    t.amount = std::round((10'001 + uniform(random_) * 25'000) * 100) / 100;
  }
  if (uniform(random_) < (failing_at(t.time_ms) ? kBurstFailureShare : kUsualFailureShare)) t.amount = 0;
  t.merchant = merchant->name;
  t.category = merchant->category;
  return t;
}

}  // namespace penstock::app
