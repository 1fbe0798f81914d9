// Feeds arbitrary bytes to everything that reads from the network: framing, messages, parameters.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "pgwire/backend.h"
#include "pgwire/compat.h"
#include "pgwire/frame.h"
#include "pgwire/frontend.h"
#include "pgwire/pg_type.h"
#include "pgwire/value_binary.h"
#include "pgwire/value_text.h"

namespace {

using namespace penstock;
using namespace penstock::pgwire;

constexpr uint32_t kOids[] = {
    0,          oid::kBool, oid::kBytea, oid::kInt8, oid::kInt2,      oid::kInt4,        oid::kFloat4,   oid::kFloat8,
    oid::kDate, oid::kTime, oid::kText,  oid::kUuid, oid::kTimestamp, oid::kTimestamptz, oid::kInterval, oid::kNumeric};
const types::DataType kTypes[] = {
    types::TypeKind::kBoolean,       types::TypeKind::kInt,         types::TypeKind::kBigInt, types::TypeKind::kDouble,
    types::DataType::decimal(38, 4), types::TypeKind::kString,      types::TypeKind::kBytes,  types::TypeKind::kDate,
    types::TypeKind::kTimestamp,     types::TypeKind::kTimestampLtz};

void read_parameters(const BindMessage& bind) {
  for (const auto& parameter : bind.parameters) {
    if (!parameter) continue;
    for (const types::DataType type : kTypes) {
      static_cast<void>(value_from_text(*parameter, type));
      for (const uint32_t oid : kOids) static_cast<void>(value_from_binary(*parameter, oid, type));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kMessageBytesMax = 4096;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static_cast<void>(decode_startup(bytes));

  FrameReader reader(kMessageBytesMax);
  const size_t half = size / 2;
  for (const std::string_view piece : {bytes.substr(0, half), bytes.substr(half)}) {
    reader.feed(piece);
    for (auto frame = reader.next(); frame && *frame; frame = reader.next()) {
      static_cast<void>(decode_backend(**frame));
      const auto message = decode_frontend(**frame);
      if (!message) continue;
      if (const auto* bind = std::get_if<BindMessage>(&*message)) read_parameters(*bind);
      if (const auto* query = std::get_if<QueryMessage>(&*message)) static_cast<void>(recognise_local(query->sql));
    }
  }
  return 0;
}
