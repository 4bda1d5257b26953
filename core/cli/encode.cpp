// facet encode: an SAE's codes of a file's rows as CSR, in bounded memory.
#include <facet/torch.h>

#include <iostream>

#include "base/interrupt.h"
#include "cli/commands.h"
#include "cli/row_file.h"
#include "facet/safetensors.h"
#include "facet/table.h"
#include "plugin/call.h"
#include "run/verb_text.h"
#include "tensor/safetensors_writer.h"

namespace facet::cli {
namespace {

// The rows [n, d] that are asked for, after everything that can be known of them was compared.
Tensor rows_of(const Safetensors& in, const EncodeRequest& asked, const SaeRecord& record) {
  const std::string file = asked.in.string();
  std::string name = asked.tensor;
  const bool foreign = !record.program.empty();
  if (name.empty() && foreign && in.names().size() == 1) name = in.names().front();
  if (name.empty() && record.hookpoints.size() != 1)
    throw UserError("--tensor: required: the SAE names " +
                    std::to_string(record.hookpoints.size()) + " hookpoints, should name one");
  if (name.empty()) name = record.hookpoints.front();
  if (!in.has(name))
    throw UserError(file + ": no tensor \"" + name + "\"" + did_you_mean(name, in.names()) +
                    ", has " + joined(in.names()));
  const Tensor rows = in.tensor(name);
  if (!rows.is_floating_point() || rows.dim() != 2)
    throw UserError(file + ": " + name + ": is " + torch::toString(rows.scalar_type()) + " with " +
                    std::to_string(rows.dim()) +
                    " axes, should be rows of numbers, [n, d] Float, Half or BFloat16");
  if (record.shape.points_in != 1)
    throw UserError(asked.sae.string() + ": reads " + std::to_string(record.shape.points_in) +
                    " hookpoints at once, should read one");
  if (rows.size(1) != record.shape.d_in)
    throw UserError(file + ": " + name + ": rows have width " + std::to_string(rows.size(1)) +
                    ", should have the SAE's d_in, " + std::to_string(record.shape.d_in));
  if (foreign) {
    std::cerr << asked.sae.string() << ": an SAE of " << record.program
              << ": not compared with the host, hookpoint, rows and pool of " << file << "\n";
    return rows;
  }
  RowOrigin origin;
  if (!try_origin(in.metadata(), file, origin)) {
    std::cerr << file << ": does not say where its rows come from: not compared with the SAE's "
              << "host, hookpoint, rows and pool\n";
    return rows;
  }
  const std::vector<std::string> problems = differences(record, origin, file, name);
  if (!problems.empty()) throw UserError(problems);
  return rows;
}

// One batch of rows as they stand in a file; what is not known of them is zero.
Batch batch_of(const Normaliser& normaliser, const Tensor& x) {
  const int64_t n = x.size(0);
  const auto zeros = [n](at::ScalarType dtype) { return torch::zeros({n}, dtype); };
  return make_batch(normaliser, {x.unsqueeze(1), zeros(torch::kInt64), zeros(torch::kInt32),
                                 zeros(torch::kInt32), zeros(torch::kUInt8)});
}

// The entries that are not zero: a kept latent may be (TopK), and says nothing.
Codes without_zeros(const Codes& codes) {
  const Tensor kept = codes.value.ne(0);
  const Tensor before = torch::cat({torch::zeros({1}, torch::kInt64), kept.cumsum(0)});
  return {before.index_select(0, codes.start), codes.latent.masked_select(kept),
          codes.value.masked_select(kept), codes.d_sae};
}

void check_finite(const Codes& codes, int64_t before, const std::string& file) {
  const Tensor bad = codes.value.isfinite().logical_not().nonzero();
  if (bad.size(0) == 0) return;
  const int64_t row = before + codes.row()[bad[0][0].item<int64_t>()].item<int64_t>();
  throw UserError(file + ": row " + std::to_string(row) + ": a code is not finite");
}

class CodesFile {
 public:
  CodesFile(const EncodeRequest& asked, const SaeRecord& record, int64_t d_sae, int64_t rows)
      : writer_(asked.out, planned(asked, record, rows),
                {{"format", "facet codes 1"},
                 {"sae", asked.sae.string()},
                 {"run", record.run},
                 {"shape", "[" + std::to_string(rows) + ", " + std::to_string(d_sae) + "]"}}) {
    writer_.add("indptr", torch::zeros({1}, torch::kInt64));
  }

  void add(const Codes& codes) {
    writer_.add("indptr", codes.start.slice(0, 1) + entries_);
    writer_.add("index", codes.latent);
    writer_.add("value", codes.value);
    entries_ += codes.nonzeros();
  }
  void add_reconstruction(const Tensor& rows) { writer_.add("reconstruction", rows); }
  void commit() { writer_.commit(); }
  int64_t entries() const { return entries_; }

 private:
  static std::vector<GrowingTensor> planned(const EncodeRequest& asked, const SaeRecord& record,
                                            int64_t rows) {
    std::vector<GrowingTensor> out = {{"indptr", torch::kInt64, {}, rows + 1},
                                      {"index", torch::kInt32, {}},
                                      {"value", torch::kFloat32, {}}};
    if (asked.reconstruct)
      out.push_back({"reconstruction", torch::kFloat32, {record.shape.d_out}, rows});
    return out;
  }

  SafetensorsWriter writer_;
  int64_t entries_ = 0;
};

}  // namespace

int encode(const EncodeRequest& asked, const PluginPaths& plugin_paths) {
  Kernel kernel;
  load_kernel(kernel, plugin_paths);
  const LoadedSae loaded = load_sae(asked.sae, kernel.registry);
  for (const std::string& notice : loaded.notices) std::cerr << notice << "\n";
  const std::string& plugin = kernel.registry.sae(loaded.record.type).plugin;
  const Tensor x = rows_of(Safetensors(asked.in), asked, loaded.record);  // [n, d]

  catch_interrupts();
  const torch::NoGradGuard no_grad;
  CodesFile file(asked, loaded.record, loaded.sae->d_sae(), x.size(0));
  for (int64_t begin = 0; begin < x.size(0); begin += kRowsAtOnce) {
    if (interrupted()) throw Stopped(asked.out.string() + ": stopped, nothing was written");
    const Batch batch = batch_of(*loaded.normaliser, x.slice(0, begin, begin + kRowsAtOnce));
    const Pass pass = call_plugin(plugin, [&] { return loaded.sae->pass(batch, Mode::infer); });
    const Codes codes = pass.codes.cpu();
    check_finite(codes, begin, asked.in.string());
    file.add(without_zeros(codes));
    if (asked.reconstruct)
      file.add_reconstruction(loaded.normaliser->invert(pass.output, batch.stats).select(1, 0));
  }
  file.commit();
  std::cout << asked.out.string() << ": " << x.size(0) << " rows, "
            << for_eyes(x.size(0) > 0
                            ? static_cast<double>(file.entries()) / static_cast<double>(x.size(0))
                            : 0.0)
            << " of " << loaded.sae->d_sae() << " latents a row\n";
  return 0;
}

}  // namespace facet::cli
