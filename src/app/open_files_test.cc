#include "app/open_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <climits>

namespace penstock::app {
namespace {

TEST(OpenFilesTest, TheLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit lowered{.rlim_cur = before.rlim_max / 2, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &lowered), 0);
  const int64_t limit = raise_open_files_limit();
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(limit, static_cast<int64_t>(std::min<rlim_t>(before.rlim_max, INT_MAX)));
}

TEST(OpenFilesTest, CountsWhatIsOpen) {
  const int64_t before = open_files();
  EXPECT_GE(before, 3);
  const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(open_files(), before + 1);
  close(descriptor);
  EXPECT_EQ(open_files(), before);
}

TEST(OpenFilesTest, ClientsGetWhatTheReserveLeavesAndAtLeastHalf) {
  EXPECT_EQ(descriptors_for_clients(1024, 256), 768);
  EXPECT_EQ(descriptors_for_clients(300, 256), 150);
  EXPECT_EQ(descriptors_for_clients(INT_MAX, 0), INT_MAX);
}

}  // namespace
}  // namespace penstock::app
