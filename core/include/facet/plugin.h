// What a plugin writes: FACET_PLUGIN(id, version) { registry.add_...; }. Everything a plugin needs
// is reached from here; sources include <facet/torch.h> second.
#pragma once

#include <torch/headeronly/version.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#if __has_include("facet_plugin_digest.h")
#include "facet_plugin_digest.h"
#endif

#include "facet/analysis.h"
#include "facet/build.h"
#include "facet/data.h"
#include "facet/host.h"
#include "facet/normaliser.h"
#include "facet/ops.h"
#include "facet/sae.h"
#include "facet/schema.h"

namespace facet {

/// What help and reference pages need of any part.
struct Part {
  std::string kind;    ///< "sae", "host", "data", "analysis", "normaliser"
  std::string name;    ///< the `type` in a manifest
  std::string help;    ///< one sentence
  std::string plugin;  ///< id of the plugin that registered it
  AnySchema schema;
};

template <class Interface, class... Given>
struct PartOf : Part {
  std::function<std::unique_ptr<Interface>(const AnyParams&, Given...)> make;
};
using SaePart = PartOf<Sae, const Shape&, Init&>;
using HostPart = PartOf<HostModel, const HostSetup&>;
using DataPart = PartOf<Data>;
using AnalysisPart = PartOf<Analysis>;
using NormaliserPart = PartOf<Normaliser>;

/// The parts that are known in this process. Plugins add to it while they are loaded.
class Registry {
 public:
  Registry();
  ~Registry();

  /// S is constructed with (const P&, const Shape&, Init&).
  template <class S, class P>
  void add_sae(const std::string& name, const std::string& help, const Schema<P>& schema) {
    add(made<SaePart, S, P, const Shape&, Init&>("sae", name, help, schema));
  }
  /// H is constructed with (const P&, const HostSetup&).
  template <class H, class P>
  void add_host(const std::string& name, const std::string& help, const Schema<P>& schema) {
    add(made<HostPart, H, P, const HostSetup&>("host", name, help, schema));
  }
  /// D, A and N are constructed with (const P&).
  template <class D, class P>
  void add_data(const std::string& name, const std::string& help, const Schema<P>& schema) {
    add(made<DataPart, D, P>("data", name, help, schema));
  }
  template <class A, class P>
  void add_analysis(const std::string& name, const std::string& help, const Schema<P>& schema) {
    add(made<AnalysisPart, A, P>("analysis", name, help, schema));
  }
  template <class N, class P>
  void add_normaliser(const std::string& name, const std::string& help, const Schema<P>& schema) {
    add(made<NormaliserPart, N, P>("normaliser", name, help, schema));
  }

  /// UserError with the nearest name when there is none; `where` is the place that asked for it.
  const SaePart& sae(const std::string& name, const std::string& where = "") const;
  const HostPart& host(const std::string& name, const std::string& where = "") const;
  const DataPart& data(const std::string& name, const std::string& where = "") const;
  const AnalysisPart& analysis(const std::string& name, const std::string& where = "") const;
  const NormaliserPart& normaliser(const std::string& name, const std::string& where = "") const;
  /// The part of `kind` named `name`, whatever its interface.
  const Part& part(const std::string& kind, const std::string& name,
                   const std::string& where = "") const;
  /// All parts, by kind and name.
  std::vector<const Part*> parts() const;

  /// The plugin on whose behalf parts are added from now on; at first it is "facet".
  void set_plugin(const std::string& id);

 private:
  friend class Filling;  // the loader: takes the parts of a failed plugin back
  template <class Entry, class T, class P, class... Given>
  static Entry made(const char* kind, const std::string& name, const std::string& help,
                    const Schema<P>& schema) {
    Entry entry;
    entry.kind = kind;
    entry.name = name;
    entry.help = help;
    entry.schema = schema.erased();
    entry.make = [](const AnyParams& params, Given... given) {
      return std::make_unique<T>(params.as<P>(), given...);
    };
    return entry;
  }
  void add(SaePart part);
  void add(HostPart part);
  void add(DataPart part);
  void add(AnalysisPart part);
  void add(NormaliserPart part);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace facet

#define FACET_TEXT_(x) #x
#define FACET_TEXT(x) FACET_TEXT_(x)
#if __cplusplus >= 202302L
#define FACET_CPP_LEVEL "c++23"
#else
#define FACET_CPP_LEVEL "c++20"
#endif

/// Everything that must be equal on both sides of the wall, as one line of text.
#define FACET_BUILD_TAG                                                                  \
  "facet-build-tag:facet " FACET_INTERFACE "/" FACET_SDK_DIGEST "; torch " TORCH_VERSION \
  "; gnu " FACET_TEXT(__GXX_ABI_VERSION) "; cxx11abi " FACET_TEXT(                       \
      _GLIBCXX_USE_CXX11_ABI) "; " FACET_CPP_LEVEL "; sanitizer \"" FACET_SANITIZER "\""

#define FACET_EXPORT __attribute__((visibility("default")))

/// The C identity of a plugin. The tag is read from the file before it is loaded and must equal
/// facet's own, byte for byte; only then is anything behind it trusted.
extern "C" struct facet_plugin_info {
  const char* build_tag;
  const char* id;           ///< "org.example.batch-topk"
  const char* version;      ///< "1.0.0"
  const char* source_hash;  ///< digest of the plugin's sources, by facet_add_plugin
  void (*fill)(facet::Registry& registry);
};

/// FACET_PLUGIN("org.example.batch-topk", "1.0.0") { registry.add_sae<...>(...); }
#define FACET_PLUGIN(id, version)                                                      \
  static void facet_fill(::facet::Registry& registry);                                 \
  extern "C" FACET_EXPORT const char facet_build_tag[];                                \
  extern "C" const char facet_build_tag[] = FACET_BUILD_TAG;                           \
  extern "C" FACET_EXPORT const facet_plugin_info facet_plugin;                        \
  extern "C" const facet_plugin_info facet_plugin = {facet_build_tag, id, version,     \
                                                     FACET_PLUGIN_DIGEST, facet_fill}; \
  static void facet_fill(::facet::Registry& registry)
