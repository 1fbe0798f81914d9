#include "connector/epoch_changes.h"

#include <gtest/gtest.h>

#include <string>

#include "connector/connector_test_fixture.h"

namespace penstock::connector {
namespace {

class EpochChangesTest : public testing::Test {
 protected:
  void add(const std::string& rows) { changes_.add(columnar::batch_from_text(rows, schema_).value()); }
  // "-old +new; ..." by key.
  std::string take() {
    std::string text;
    changes_.take([&](const EpochChanges::KeyChange& change) {
      if (!text.empty()) text += "; ";
      for (const auto* rows : {&change.removed, &change.added}) {
        for (const EpochChanges::Row& row : *rows) {
          const columnar::ChangeBatch& batch = changes_.batch(row.batch);
          text += fmt::format("{}{}{}", rows == &change.removed ? '-' : '+', batch.column(0)->value(row.row).as_int64(),
                              batch.column(1)->value(row.row).as_string());
        }
      }
    });
    return text;
  }

  types::Schema schema_ = schema_of({{"k", "BIGINT"}, {"v", "STRING"}});
  EpochChanges changes_{schema_, {0}};
};

TEST_F(EpochChangesTest, InsertsComeInTheirOrder) {
  add("+ 1 a | + 2 b");
  add("+ 1 c");
  EXPECT_EQ(take(), "+1a+1c; +2b");
  EXPECT_EQ(take(), "");
  add("+ 1 a");
  EXPECT_EQ(take(), "+1a") << "nothing is left of the epoch before";
}

TEST_F(EpochChangesTest, AnUpdateIsTheOldRowAndTheNewOne) {
  add("-U 1 a | +U 1 b | -U 1 b | +U 1 c");
  EXPECT_EQ(take(), "-1a+1c");
}

TEST_F(EpochChangesTest, WhatComesAndGoesWithinTheEpochIsNothing) {
  add("+I 1 a | -D 1 a | -D 2 b | +I 2 b | -D 3 c");
  EXPECT_EQ(take(), "-3c");
}

TEST_F(EpochChangesTest, TheNewRowMayComeBeforeTheOldOneGoes) {
  add("+I 1 b");
  add("-D 1 a");
  EXPECT_EQ(take(), "-1a+1b");
}

TEST_F(EpochChangesTest, EqualRowsOfAKeyAreCounted) {
  add("+I 1 a | +I 1 a | -D 1 a");
  EXPECT_EQ(take(), "+1a");
}

}  // namespace
}  // namespace penstock::connector
