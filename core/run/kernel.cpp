// Bodies of the process: parts, plugins, device.
#include "run/kernel.h"

#include "facet/torch.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <cstdlib>

#include "activations/activation_stream.h"
#include "data/dataset.h"

namespace facet {

void add_kernel_parts(Registry& registry) {
  add_core_data(registry);
  add_core_normalisers(registry);
}

void load_kernel(Kernel& kernel, const std::vector<std::filesystem::path>& plugin_paths) {
  add_kernel_parts(kernel.registry);
  kernel.plugins = load_plugins(plugin_folders(plugin_paths), kernel.registry);
}

const PluginInfo* plugin_of(const Kernel& kernel, const Part& part) {
  for (const PluginInfo& plugin : kernel.plugins)
    if (plugin.id == part.plugin) return &plugin;
  return nullptr;
}

std::filesystem::path runs_folder(const RunRequest& request) {
  std::filesystem::path runs = request.runs;
  if (runs.empty())
    if (const char* named = std::getenv("FACET_RUNS")) runs = named;
  return std::filesystem::absolute(runs.empty() ? "runs" : runs).lexically_normal();
}

void prepare_device(const RunRequest& request) {
  if (request.threads > 0) at::set_num_threads(request.threads);
  if (request.device == "cpu") return;
  if (request.device != "cuda" && !request.device.starts_with("cuda:"))
    throw UserError("--device: \"" + request.device + "\", should be cpu, cuda or cuda:N");
  // The CPU build of facet serves GPU machines too: LibTorch's CUDA half is found beside torch_cpu.
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
    throw UserError("--device: \"" + request.device +
                    "\": this LibTorch cannot use CUDA: " + dlerror());
  if (!at::hasCUDA()) throw UserError("--device: \"" + request.device + "\": no GPU is visible");
}

}  // namespace facet
