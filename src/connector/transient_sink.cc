#include "connector/transient_sink.h"

namespace penstock::connector {

Status TransientSink::commit(Epoch epoch, const Positions& positions) {
  PENSTOCK_TRY(pending_.begin(epoch));
  const Result<bool> written = store_->commit(
      {.records = {}, .positions = positions, .state = {}},
      [self = shared_from_this(), epoch](const Status& status) { self->pending_.settle(epoch, status); });
  if (!written || !*written) pending_.settle(epoch, written ? Status() : written.error());
  return {};
}

}  // namespace penstock::connector
