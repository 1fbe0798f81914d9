// The primitive types of the Kafka protocol that C++ has no type for, API keys and error codes.
// Protocol reference: https://kafka.apache.org/protocol
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::kafka::protocol {

// 128 bits, big-endian on the wire; all zeros means "none".
struct Uuid {
  uint64_t high = 0;
  uint64_t low = 0;

  bool is_zero() const { return high == 0 && low == 0; }
  auto operator<=>(const Uuid&) const = default;
};

// The protocol's "bytes": like a string, but with a 32-bit length in the classic encoding.
struct Bytes {
  std::string value;
  bool operator==(const Bytes&) const = default;
};

// Record batches in wire format, as pieces to be laid end to end. After decoding: one piece, a view on the frame,
// without an owner. For encoding: the pieces are not copied, so each names what keeps its bytes alive.
struct Records {
  struct Piece {
    std::string_view bytes;
    std::shared_ptr<const void> owner;
  };
  std::vector<Piece> pieces;
  bool is_null = false;

  size_t size() const {
    size_t total = 0;
    for (const auto& piece : pieces) total += piece.bytes.size();
    return total;
  }
  std::string joined() const {
    std::string all;
    for (const auto& piece : pieces) all += piece.bytes;
    return all;
  }
  bool operator==(const Records& other) const { return is_null == other.is_null && joined() == other.joined(); }
};

struct VersionRange {
  int16_t min = 0;
  int16_t max = 0;

  constexpr bool contains(int16_t version) const { return min <= version && version <= max; }
};

// What is fixed about one API: `versions` are those that this program reads and writes.
struct Api {
  int16_t key = -1;
  std::string_view name;
  VersionRange versions;
  int16_t flexible_since = 0;  // from here: compact lengths and tagged fields (KIP-482)

  constexpr bool is_flexible(int16_t version) const { return version >= flexible_since; }
};
inline constexpr int16_t kNeverFlexible = INT16_MAX;

// The error codes that this program sends or looks at.
enum class KafkaError : int16_t {
  kUnknownServerError = -1,
  kNone = 0,
  kOffsetOutOfRange = 1,
  kCorruptMessage = 2,
  kUnknownTopicOrPartition = 3,
  kNotLeaderOrFollower = 6,
  kRequestTimedOut = 7,
  kMessageTooLarge = 10,
  kOffsetMetadataTooLarge = 12,
  kCoordinatorLoadInProgress = 14,
  kCoordinatorNotAvailable = 15,
  kNotCoordinator = 16,
  kInvalidTopic = 17,
  kInvalidRequiredAcks = 21,
  kIllegalGeneration = 22,
  kInconsistentGroupProtocol = 23,
  kInvalidGroupId = 24,
  kUnknownMemberId = 25,
  kInvalidSessionTimeout = 26,
  kRebalanceInProgress = 27,
  kGroupAuthorizationFailed = 30,
  kInvalidTimestamp = 32,
  kUnsupportedVersion = 35,
  kTopicAlreadyExists = 36,
  kInvalidPartitions = 37,
  kInvalidReplicationFactor = 38,
  kInvalidReplicaAssignment = 39,
  kInvalidConfig = 40,
  kInvalidRequest = 42,
  kUnsupportedForMessageFormat = 43,
  kPolicyViolation = 44,
  kOutOfOrderSequenceNumber = 45,
  kInvalidProducerEpoch = 47,
  kTransactionalIdAuthorizationFailed = 53,
  kKafkaStorageError = 56,
  kUnknownProducerId = 59,
  kNonEmptyGroup = 68,
  kGroupIdNotFound = 69,
  kFetchSessionIdNotFound = 70,
  kFencedLeaderEpoch = 74,
  kUnknownLeaderEpoch = 75,
  kMemberIdRequired = 79,
  kGroupMaxSizeReached = 81,
  kFencedInstanceId = 82,
  kGroupSubscribedToTopic = 86,
  kInvalidRecord = 87,
  kThrottlingQuotaExceeded = 89,
  kUnknownTopicId = 100,
};

}  // namespace penstock::kafka::protocol
