// facet doctor: what facet sees of this machine and of its plugins, and what is wrong.
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>
#include <facet/torch.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "base/files.h"
#include "cli/commands.h"
#include "facet/build.h"
#include "run/machine.h"
#include "tensor/cuda/row_kernels.h"

namespace facet::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kWhat = 14;

// Counts what is wrong while it prints.
class Page {
 public:
  void say(const std::string& what, const std::string& text) { print("      ", what, text); }
  void wrong(const std::string& what, const std::string& text) {
    print("wrong ", what, text);
    ++wrong_;
  }
  int problems() const { return wrong_; }

 private:
  static void print(const char* mark, const std::string& what, const std::string& text) {
    std::cout << mark << what << std::string(kWhat - std::min(kWhat, what.size()), ' ');
    for (const char c : text)  // further lines stand under the first
      std::cout << (c == '\n' ? "\n" + std::string(6 + kWhat, ' ') : std::string(1, c));
    std::cout << "\n";
  }
  int wrong_ = 0;
};

std::string cuda_text() {
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
    return std::string("not usable: ") + dlerror();
  if (!at::hasCUDA()) {
    const bool driver = fs::exists("/dev/nvidiactl");
    return std::string("not usable: no GPU is visible") +
           (driver ? "" : " (the machine has no NVIDIA driver: no /dev/nvidiactl)");
  }
  return std::to_string(at::detail::getCUDAHooks().getNumGPUs()) + " GPUs";
}

// Each file by itself, so that one that is refused hides no other.
void look_at_plugins(Page& page, const PluginPaths& given) {
  Kernel kernel;
  add_kernel_parts(kernel.registry);
  const std::vector<fs::path> folders = plugin_folders(given);
  if (folders.empty())
    page.wrong("plugins", "no folder: none beside the program, FACET_PLUGIN_PATH is not set");
  for (const fs::path& folder : folders) {
    std::vector<fs::path> files;
    try {
      files = plugin_files(folder);
    } catch (const UserError& e) {
      page.wrong("plugins", e.what());
      continue;
    }
    page.say("plugins", folder.string() + ": " + std::to_string(files.size()));
    for (const fs::path& file : files) {
      try {
        const PluginInfo info = load_plugin(file, kernel.registry);
        std::string parts;
        for (const Part* part : kernel.registry.parts())
          if (part->plugin == info.id)
            parts += (parts.empty() ? "" : ", ") + part->kind + " " + part->name;
        page.say("", info.id + " " + info.version + ": " + parts);
      } catch (const UserError& e) {
        page.wrong("", e.what());
      }
    }
  }
}

void look_at_runs(Page& page, const RunRequest& request) {
  const fs::path runs = runs_folder(request);
  const fs::path there = existing_folder(runs);
  // A file where a folder should be stands between the two.
  for (fs::path above = runs; above != there; above = above.parent_path())
    if (std::error_code error; fs::exists(above, error)) {
      page.wrong("runs", runs.string() + ": is no folder: " + above.string() + " is a file");
      return;
    }
  try {
    write_file(there / ".facet-doctor", "");
    fs::remove(there / ".facet-doctor");
  } catch (const UserError& e) {
    page.wrong("runs", runs.string() + ": cannot be written\n" + e.what());
    return;
  }
  page.say("runs", runs.string() + ": can be written, " + bytes_text(free_disk(there)) + " free");
}

void look_at_environment(Page& page) {
  for (const char* name : {"FACET_PLUGIN_PATH", "FACET_RUNS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
                           "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "XDG_STATE_HOME"})
    if (const char* value = std::getenv(name))
      page.say("environment", std::string(name) + " = " + value);
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY"})
    if (std::getenv(name)) page.say("environment", std::string(name) + " is set");
  if (std::getenv("FACET_DISK_FULL_AFTER"))
    page.wrong("environment", "FACET_DISK_FULL_AFTER is set: for tests, writing will fail");
}

}  // namespace

int doctor(const RunRequest& request, const PluginPaths& plugin_paths) {
  Page page;
  page.say("facet", FACET_VERSION);
  page.say("build", build_tag());
  page.say("LibTorch", TORCH_VERSION);
  page.say("CUDA", cuda_text());
  page.say("GPU kernels",
           cuda_kernels() ? "in this build" : "not in this build: FACET_CUDA is off");
  page.say("CPU", std::string(at::get_cpu_capability()) + ", " +
                      std::to_string(std::thread::hardware_concurrency()) + " cores");
  try {
    prepare_device(request);
  } catch (const UserError& e) {
    page.wrong("device", e.what());
  }
  page.say("threads", std::to_string(at::get_num_threads()) + " of computation");
  page.say("memory", bytes_text(available_memory()) + " can be had");
  look_at_plugins(page, plugin_paths);
  look_at_runs(page, request);
  look_at_environment(page);
  std::cout << (page.problems() == 0 ? "nothing is wrong\n" : "");
  return page.problems() == 0 ? 0 : 1;
}

}  // namespace facet::cli
