// Opens sources of a stream and names it by the hash of what decides its rows.
#include "activations/activation_stream.h"

#include <facet/torch.h>

#include <algorithm>

#include "activations/activation_store.h"
#include "activations/host_pass.h"
#include "activations/row_feed.h"
#include "activations/window_source.h"
#include "base/hash.h"

namespace facet {
namespace {

int64_t common_width(const HostInfo& info, const std::vector<std::string>& points) {
  FACET_ASSERT(!points.empty(), "a stream of a host without hookpoints");
  const int64_t width = info.points[hookpoint_index(info, points[0])].width;
  for (const std::string& point : points) {
    const int64_t other = info.points[hookpoint_index(info, point)].width;
    if (other != width)
      throw UserError("activations.hookpoints: \"" + points[0] + "\" has width " +
                      std::to_string(width) + " and \"" + point + "\" " + std::to_string(other) +
                      ": must be equal");
  }
  return width;
}

RowFilter filter_of(const StreamParams& params, size_t points) {
  return {params.rows == "content", params.pads, params.max_norm, static_cast<int64_t>(points),
          pool_of(params.pool)};
}

void check_layers(const StreamParams& params, size_t points, const StreamTarget& target) {
  if (params.layers_as == "points") return;
  const std::string start = "activations.layers_as: is \"" + params.layers_as + "\", ";
  if (points < 2)
    throw UserError(start + "which needs several hookpoints: activations.hookpoints names 1");
  if (!target.points.empty())
    throw UserError(start + "should be \"points\" with activations.target");
}

Value names(const std::vector<std::string>& texts) {
  return Value::Array(texts.begin(), texts.end());
}

}  // namespace

ActivationSource::~ActivationSource() = default;
void ActivationSource::will_read(int64_t) {}
int64_t ActivationSource::epoch_rows() const { return -1; }
LeftOut ActivationSource::left_out() const { return {}; }
Tensor ActivationSource::dictionary() const { return {}; }
CodesReader::~CodesReader() = default;
std::string CodesReader::pool() const { return "none"; }

Schema<StreamParams> stream_schema() {
  return Schema<StreamParams>()
      .field("name", &StreamParams::name, "Name of the stream when there are several.",
             outside_identity)
      .field("hookpoints", &StreamParams::hookpoints,
             "Where rows are read: names, globs or ranges, as a string or a list.")
      .field("rows", &StreamParams::rows,
             "Which tokens give rows: content leaves out those the host added.",
             one_of({"content", "all"}))
      .field("buffer_rows", &StreamParams::buffer_rows, "How many rows are shuffled together.",
             at_least(1), unit("rows"))
      .field("batch_tokens", &StreamParams::batch_tokens,
             "Tokens of one forward pass of the host; a longer sequence is a pass of its own.",
             at_least(1), unit("tokens"))
      .field("pads", &StreamParams::pads,
             "Rows of pads too, as programs have them that pad sequences and forget it.")
      .field("pack", &StreamParams::pack,
             "Joins the tokens of all records, each with the host's specials, and cuts them into "
             "sequences of exactly so many; what is left at the end is dropped. For hosts that see "
             "only what stands before a token. 0: a record is a sequence.",
             at_least(0), unit("tokens"))
      .field("pack_begin", &StreamParams::pack_begin,
             "Where the host's token that begins a text stands in packed sequences: each, in front "
             "of each sequence too, as SAELens has it; records, only where a record begins.",
             one_of({"each", "records"}))
      .field("max_norm", &StreamParams::max_norm,
             "Leaves out rows whose norm exceeds so many times the median norm of the rows of one "
             "forward pass of the host (dictionary_learning's max_norm_factor, 10 there); 0: none. "
             "How many rows an epoch has is then unknown beforehand.",
             at_least(0))
      .field("pool", &StreamParams::pool,
             "One row for each sequence instead of one for each token: the mean or the largest of "
             "each number over the rows that are kept.",
             one_of({"none", "mean", "max"}))
      .field("store", &StreamParams::store,
             "disk keeps the host's rows under store/ beside the runs folder, so that it runs "
             "once; live runs it again in each epoch. The bits are the same.",
             one_of({"live", "disk"}), outside_identity)
      .field("prefetch", &StreamParams::prefetch,
             "While a training works on its rows, the host (or the disk) makes the next ones on a "
             "thread of its own; up to buffer_rows of them wait in memory. The bits are the same.",
             outside_identity)
      .field("normalize", &StreamParams::normalize,
             "The normaliser: its name, or a table with its type and parameters.")
      .field("target", &StreamParams::target,
             "What an SAE learns to predict from the rows (a transcoder): next, the hookpoint of "
             "the same kind one layer on; difference, next less the input; or hookpoints as above, "
             "one for each that is read. Not set: the rows themselves.")
      .field("target_minus_input", &StreamParams::target_minus_input,
             "The target is its hookpoint less the input, of the host's numbers in float32.")
      .field("normalize_target", &StreamParams::normalize_target,
             "The target's own normaliser, as normalize; not set: none, as Rep_SAEs_PLMs has it, "
             "which normalises the input only.")
      .field("layers_as", &StreamParams::layers_as,
             "Of several hookpoints: points, one row has them all; rows, each is a row of its own, "
             "for one SAE of all layers (MLSAE); turns, the same, and a training takes a step with "
             "each hookpoint of the same tokens in turn, as RouteSAE's MLSAE does.",
             one_of({"points", "rows", "turns"}))
      .check([](const StreamParams& p) { return p.max_norm == 0 || p.max_norm >= 1; },
             "max_norm must be 0 or at least 1")
      .check([](const StreamParams& p) { return p.pack != 1; }, "pack must be 0 or at least 2")
      .check([](const StreamParams& p) { return p.pack > 0 || p.pack_begin == "each"; },
             "pack_begin: is set, but pack is not")
      .check([](const StreamParams& p) { return p.pack == 0 || p.pool == "none"; },
             "pack: is set, but pool makes one row of a whole record");
}

ActivationStream::ActivationStream(std::shared_ptr<HostModel> host, Dataset data,
                                   std::vector<std::string> points, StreamParams params)
    : host_(std::move(host)),
      data_(std::move(data)),
      points_(std::move(points)),
      params_(std::move(params)) {
  FACET_ASSERT(host_ && !data_.rows(), "a host needs a source of records");
  common_width(host_->info(), points_);
  target_ = target_of(host_->info(), points_, params_);
  check_layers(params_, points_.size(), target_);
  check_packing(host_->info(), packing());
  if (params_.pool != "none") pooled_ = std::make_shared<PooledMemory>();
}

ActivationStream::ActivationStream(Dataset data, StreamParams params)
    : data_(std::move(data)), params_(std::move(params)) {
  FACET_ASSERT(data_.rows(), "without a host the data must be a source of rows");
  const auto refuse = [](const char* field, const std::string& is, const char* should_be) {
    throw UserError("activations." + std::string(field) + ": is \"" + is + "\", should be \"" +
                    should_be + "\": this data makes rows by itself");
  };
  check_target_fields(params_);
  if (!params_.target.empty())
    throw UserError("activations.target: needs rows of a host: this data makes rows by itself");
  if (params_.layers_as != "points") refuse("layers_as", params_.layers_as, "points");
  if (params_.pool != "none") refuse("pool", params_.pool, "none");
  if (params_.pack > 0) refuse("pack", std::to_string(params_.pack), "0");
  if (params_.store != "live") refuse("store", params_.store, "live");
}

void ActivationStream::read_from(std::shared_ptr<const ActivationStore> store) {
  FACET_ASSERT(host_, "made rows have no store");
  store_ = std::move(store);
}

std::unique_ptr<RowFeed> ActivationStream::raw_feed() const {
  if (store_) return feed_of_store(store_, Memory::own);
  return host_ ? feed_of_host(host_, data_, raw_points(), params_.batch_tokens, packing())
               : feed_of_rows(data_, params_.batch_tokens);
}

Packing ActivationStream::packing() const { return {params_.pack, params_.pack_begin == "each"}; }

std::unique_ptr<TokenReader> ActivationStream::tokens() const {
  FACET_ASSERT(host_, "made rows have no tokens");
  return read_tokens(host_, data_, packing());
}

std::unique_ptr<RowFeed> ActivationStream::kept(std::unique_ptr<RowFeed> raw) const {
  if (!target_.points.empty()) {
    const std::vector<std::string> read = raw_points();
    std::vector<int64_t> columns;
    for (const auto* points : {&points_, &target_.points})
      for (const std::string& point : *points)
        columns.push_back(std::find(read.begin(), read.end(), point) - read.begin());
    raw = feed_of_target(std::move(raw), columns, target_.minus_input);
  }
  auto out = feed_of_kept(std::move(raw), filter_of(params_, points_.size()));
  if (rows_of_a_token() > 1) out = feed_of_layers(std::move(out), rows_of_a_token());
  return out;
}

std::vector<std::string> ActivationStream::raw_points() const {
  std::vector<std::string> out = points_;
  for (const std::string& point : target_.points)
    if (std::find(out.begin(), out.end(), point) == out.end()) out.push_back(point);
  return out;
}

std::unique_ptr<RowFeed> ActivationStream::remembered(std::unique_ptr<RowFeed> kept) const {
  return pooled_ ? feed_of_memory(std::move(kept), pooled_) : std::move(kept);
}

std::unique_ptr<RowFeed> ActivationStream::feed() const { return remembered(kept(raw_feed())); }

std::unique_ptr<ActivationSource> ActivationStream::open(Order order, uint64_t seed) const {
  // A source copies what it gives.
  auto raw = store_ ? feed_of_store(store_, Memory::shared) : raw_feed();
  if (works_ahead(order)) raw = feed_ahead(std::move(raw), params_.buffer_rows);
  return open_on(remembered(kept(std::move(raw))), order, seed);
}

// Only for a training: what reads rows in their order may run the host beside.
bool ActivationStream::works_ahead(Order order) const {
  return order == Order::shuffled && host_ && params_.prefetch;
}

bool ActivationStream::shares_passes_with(const ActivationStream& other) const {
  return host_ && host_ == other.host_ && !store_ && !other.store_ &&
         data_.key() == other.data_.key() && params_.batch_tokens == other.params_.batch_tokens &&
         params_.pack == other.params_.pack && params_.pack_begin == other.params_.pack_begin &&
         shape().d_in == other.shape().d_in;
}

std::vector<std::unique_ptr<ActivationSource>> ActivationStream::open_together(
    const std::vector<const ActivationStream*>& streams, Order order, uint64_t seed) {
  std::vector<std::unique_ptr<ActivationSource>> out(streams.size());
  for (size_t i = 0; i < streams.size(); ++i) {
    if (out[i]) continue;
    std::vector<size_t> sharing;
    std::vector<std::string> points;
    for (size_t j = i; j < streams.size(); ++j) {
      if (!streams[i]->shares_passes_with(*streams[j])) continue;
      sharing.push_back(j);
      for (const std::string& point : streams[j]->raw_points())
        if (std::find(points.begin(), points.end(), point) == points.end()) points.push_back(point);
    }
    if (sharing.size() < 2) {
      out[i] = streams[i]->open(order, seed);
      continue;
    }
    const ActivationStream& first = *streams[i];
    auto raw =
        feed_of_host(first.host_, first.data_, points, first.params_.batch_tokens, first.packing());
    if (first.works_ahead(order)) raw = feed_ahead(std::move(raw), first.params_.buffer_rows);
    const auto pass = std::make_shared<HostPass>(std::move(raw), points);
    for (const size_t j : sharing) {
      const ActivationStream& stream = *streams[j];
      const auto kept = [&](std::unique_ptr<RowFeed> raw) { return stream.kept(std::move(raw)); };
      // A reader runs through its window before the next begins with its own.
      out[j] = stream.open_on(pass->reader(stream.raw_points(), kept, stream.params_.buffer_rows),
                              order, seed);
    }
  }
  return out;
}

std::unique_ptr<ActivationSource> ActivationStream::open_on(std::unique_ptr<RowFeed> feed,
                                                            Order order, uint64_t seed) const {
  Windows windows;
  Value in_force;
  in_force.set("stream", key());
  if (order == Order::shuffled) {
    windows = {params_.buffer_rows, true, seed, turns()};
    in_force.set("buffer_rows", params_.buffer_rows);
    in_force.set("seed", static_cast<int64_t>(seed));
  }
  return std::make_unique<WindowSource>(std::move(feed), shape(), windows,
                                        sha256(emit_json(in_force)));
}

Shape ActivationStream::shape() const {
  const bool several = host_ && params_.layers_as == "points";
  const int64_t points = several ? static_cast<int64_t>(points_.size()) : 1;
  const int64_t d = host_ ? common_width(host_->info(), points_) : data_.rows()->width();
  return {points, points, d, d, !target_.points.empty()};
}

const std::vector<std::string>& ActivationStream::points() const { return points_; }
const StreamTarget& ActivationStream::target() const { return target_; }
int64_t ActivationStream::rows_of_a_token() const {
  return params_.layers_as == "points" ? 1 : static_cast<int64_t>(points_.size());
}
int64_t ActivationStream::turns() const {
  return params_.layers_as == "turns" ? rows_of_a_token() : 1;
}
const StreamParams& ActivationStream::params() const { return params_; }
const Dataset& ActivationStream::data() const { return data_; }
const HostInfo* ActivationStream::host() const { return host_ ? &host_->info() : nullptr; }
std::shared_ptr<HostModel> ActivationStream::host_model() const { return host_; }

std::string ActivationStream::raw_key() const {
  Value in_force;
  in_force.set("data", data_.key());
  in_force.set("batch_tokens", params_.batch_tokens);
  if (params_.pack > 0) {
    in_force.set("pack", params_.pack);
    in_force.set("pack_begin", params_.pack_begin);
  }
  if (host_) {
    const HostInfo& info = host_->info();
    in_force.set("host", info.type);
    in_force.set("weights", info.weights_hash);
    in_force.set("switches", info.switches);
    in_force.set("points", names(raw_points()));
  }
  return sha256(emit_json(in_force));
}

std::string ActivationStream::key() const {
  Value in_force(Value::Table{{"raw", raw_key()}, {"rows", row_policy()}, {"pool", params_.pool}});
  if (!target_.points.empty()) {
    in_force.set("points", names(points_));
    in_force.set("target", target_.describe());
  }
  if (params_.layers_as != "points") in_force.set("layers_as", params_.layers_as);
  return sha256(emit_json(in_force));
}

std::string ActivationStream::row_policy() const {
  std::string out = params_.rows;
  if (params_.pads) out += ", pads";
  if (params_.max_norm > 0) out += ", norms up to " + emit_json(params_.max_norm) + " medians";
  return out;
}

Value ActivationStream::describe() const {
  Value out(Value::Table{{"host", host_ ? host_->info().type : ""},
                         {"hookpoints", names(points_)},
                         {"rows", row_policy()},
                         {"pool", params_.pool}});
  if (params_.pack > 0) {
    out.set("pack", params_.pack);
    out.set("pack_begin", params_.pack_begin);
  }
  if (!target_.points.empty()) out.set("target", target_.describe());
  if (params_.layers_as != "points") out.set("layers_as", params_.layers_as);
  return out;
}

}  // namespace facet
