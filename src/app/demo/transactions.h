// Makes believable card transactions for the demo: skewed users and merchants, daily-life amounts, some fraud, and now
// and then a burst of failures.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace penstock::app {

struct Transaction {
  uint64_t id = 0;
  uint32_t user = 0;
  double amount = 0;  // 0 when the transaction failed
  int64_t time_ms = 0;
  std::string merchant;
  std::string category;

  // The JSON of the topic, with the time as ISO-8601 without a zone.
  std::string to_json() const;
  std::string user_key() const { return "u-" + std::to_string(user); }
};

// Deterministic for a seed. Not thread-safe.
class TransactionGenerator {
 public:
  explicit TransactionGenerator(uint64_t seed);
  // A transaction at about `time_ms`: a tenth of them come up to a second late.
  Transaction next(int64_t time_ms);

 private:
  struct Merchant {
    std::string name;
    std::string category;
    double median_amount;
    double spread;
  };

  double amount_at(const Merchant& merchant);
  bool failing_at(int64_t time_ms) const;

  std::mt19937_64 random_;
  std::vector<Merchant> merchants_;
  std::discrete_distribution<size_t> merchant_choice_;
  uint64_t next_id_ = 1;
  // A stolen card is used for several large purchases in a row.
  uint32_t stolen_card_user_ = 0;
  int stolen_card_uses_left_ = 0;
};

}  // namespace penstock::app
