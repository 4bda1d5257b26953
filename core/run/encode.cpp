// The verb encode: codes of an SAE, or those that another program wrote. It is recorded when it
// ends, so that a cut run goes on.
#include "facet/torch.h"

#include <chrono>
#include <thread>

#include "activations/codes_store.h"
#include "activations/rep_saes_codes.h"
#include "plugin/call.h"
#include "run/experiment.h"
#include "run/provenance.h"
#include "run/sections.h"
#include "run/verb_text.h"

namespace facet {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLockPause(100);

// Rows that are one for each sequence already have nothing to pool.
void check_poolable(const Value& section, Pool pool, const RowsHandle& on) {
  if (pool == Pool::none) return;
  const Value* given = section.find("pool");
  const std::string start =
      (given ? at(*given) : "") + "encode.pool: is \"" + name_of(pool) + "\", should be \"none\": ";
  if (on.stream->params().pool != "none")
    throw UserError(start + "these rows are pooled already (activations.pool)");
  if (on.stream->rows_of_a_token() > 1)
    throw UserError(start + "these rows are of several hookpoints each token (" +
                    "activations.layers_as): encode each hookpoint by itself");
  if (!on.host) throw UserError(start + "rows that the data makes by itself have no sequences");
}

}  // namespace

std::shared_ptr<CodesHandle> Experiment::encode(const Value& given, std::shared_ptr<SaeHandle> sae,
                                                std::shared_ptr<RowsHandle> on) {
  const Value section = merged("encode", given);
  if (section.find("from")) {
    for (const auto& [key, is_set] : {std::pair("sae", sae != nullptr), {"on", on != nullptr}})
      if (is_set)
        throw UserError(at(given) + "encode." + key + ": is set beside encode.from (" +
                        at(section.at("from")) + section.at("from").describe() +
                        "), whose codes are there already");
    return encoded_elsewhere(section);
  }
  if (!sae) throw UserError(at(given) + "encode.sae: required, a handle from run:sae");
  if (!on) throw UserError(at(given) + "encode.on: required, a handle from run:activations");
  check_provenance(sae->record, *on, kernel_.registry, at(given) + "encode.sae");
  const AnyParams params = parse("encode", section);
  const Pool pool = pool_of(params.as<EncodeSection>().pool);
  check_poolable(section, pool, *on);
  keep_resolved("encode", params.resolved);
  auto out = std::make_shared<CodesHandle>();
  out->sae = sae;
  out->rows = on;
  out->key = digest(Value(Value::Table{{"sae", sae->state_key()},
                                       {"rows", on->key},
                                       {"pool", name_of(pool)},
                                       {"kernel", std::string(kernel_digest())}}));
  Call call = begin("encode", out->key);
  const fs::path folder = store_folder("codes", out->key);
  build_alone("encode", folder, "the same codes", [&] {
    const torch::NoGradGuard no_grad;
    call_beside_plugin(sae->part->plugin, [&] {
      build_codes(
          folder, *sae->sae, *sae->normaliser, *on->stream, out->key,
          call.finished ? *eyes_ : events(),
          [this] {
            if (stop_wanted()) throw Stopped("encode: stopped between two batches");
          },
          pool);
    });
  });
  out->codes = open_codes(folder);
  if (!call.finished)
    end(call, Value(Value::Table{{"key", out->key}, {"rows", out->codes->rows()}}));
  keep_fact("Encoded", std::to_string(out->codes->rows()) + " rows of " +
                           std::to_string(out->codes->sequences().size()) + " sequences" +
                           (pool == Pool::none ? "" : ", " + name_of(pool) + " over each"));
  return out;
}

// Codes without an SAE and without rows.
std::shared_ptr<CodesHandle> Experiment::encoded_elsewhere(const Value& section) {
  const AnyParams params = parse("encode", section);
  const auto& wanted = params.as<EncodeSection>();
  keep_resolved("encode", params.resolved);
  keep_inputs(encode_schema().docs(), params.resolved);
  const RepSaesFiles files = find_rep_saes(wanted.from);
  Value::Array contents;
  for (const fs::path& file : files.all()) contents.emplace_back(hash_->of(file));
  auto out = std::make_shared<CodesHandle>();
  out->key = digest(Value(Value::Table{{"format", wanted.format},
                                       {"files", contents},
                                       {"d_sae", wanted.d_sae},
                                       {"kernel", std::string(kernel_digest())}}));
  Call call = begin("encode", out->key);
  const fs::path folder = store_folder("codes", out->key);
  build_alone("encode", folder, "the same codes", [&] {
    build_rep_saes_codes(folder, files, wanted.d_sae, out->key, call.finished ? *eyes_ : events(),
                         [this] {
                           if (stop_wanted())
                             throw Stopped("encode: stopped between two blocks of rows");
                         });
  });
  out->codes = open_codes(folder);
  if (!call.finished)
    end(call, Value(Value::Table{{"key", out->key}, {"rows", out->codes->rows()}}));
  keep_fact("Codes", std::to_string(out->codes->rows()) + " rows of " +
                         std::to_string(out->codes->d_sae()) + " latents, from " + wanted.from +
                         " (" + wanted.format + ")");
  return out;
}

fs::path Experiment::store_folder(const std::string& kind, const std::string& key) {
  const fs::path folder = fs::path(kind) / key.substr(0, 16);
  record_.set(kind, ("store" / folder).string());
  return store_ / folder;
}

void Experiment::build_alone(const std::string& verb, const fs::path& folder,
                             const std::string& what, const std::function<void()>& build) {
  std::string holder;
  auto lock = FileLock::try_take(folder.string() + ".lock", holder);
  if (!lock) eyes_->info(verb, "waiting for " + holder + ", which builds " + what);
  while (!lock) {
    if (stop_wanted()) throw Stopped(verb + ": stopped while waiting for " + holder);
    std::this_thread::sleep_for(kLockPause);
    lock = FileLock::try_take(folder.string() + ".lock", holder);
  }
  build();
}

}  // namespace facet
