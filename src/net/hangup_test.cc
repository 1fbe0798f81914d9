#include "net/hangup.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::net {
namespace {

TEST(HangupTest, IsSeenBehindBytesThatNobodyHasRead) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  EXPECT_FALSE(peer_has_closed(ends[0]));
  ASSERT_EQ(::send(ends[1], "abc", 3, 0), 3);
  EXPECT_FALSE(peer_has_closed(ends[0]));
  ::close(ends[1]);
  EXPECT_TRUE(peer_has_closed(ends[0]));
  char bytes[3];
  EXPECT_EQ(::recv(ends[0], bytes, 3, 0), 3) << "they can still be read";
  EXPECT_TRUE(peer_has_closed(ends[0]));
  ::close(ends[0]);
}

}  // namespace
}  // namespace penstock::net
