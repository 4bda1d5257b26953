// HostModel: the one seam into a network. Reading, splicing, ablating and steering are all "at this
// hookpoint, replace the rows by f(rows)"; a read is an edit that returns its argument.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "facet/event.h"
#include "facet/rows.h"
#include "facet/value.h"

namespace facet {

/// One place in a host where rows can be read and replaced.
struct HookPoint {
  std::string name;   ///< canonical: embeddings, blocks.I.in, blocks.I.attn.out, blocks.I.mlp.out,
                      ///< blocks.I.out, final_norm.out
  std::string alias;  ///< "layers.K": hidden state K (0 = embeddings, L = after the final norm); ""
                      ///< when it is none
  int64_t width = 0;  ///< d
  int64_t block = -1;  ///< I; -1 outside the blocks
};

/// Ids of the vocabulary with a meaning of their own; -1 (or none) where the host has none.
struct SpecialIds {
  int64_t begin = -1;        ///< put before a text (BOS, <cls>)
  int64_t pad = -1;          ///< fills up sequences; computed only under a compatibility switch
  int64_t mask = -1;         ///< a token to be guessed
  std::vector<int64_t> end;  ///< each ends a text (EOS, <eot>)
};

/// What is known of a host from its configuration alone, before any weight is read.
struct HostInfo {
  std::string type;
  /// True: the logits of a token say the token after it, from the tokens up to it. False: they say
  /// the token that stands there, from all tokens (a masked language model).
  bool causal = false;
  SpecialIds ids;
  std::vector<HookPoint> points;  ///< in the order the forward pass reaches them
  int64_t vocabulary = 0;
  int64_t context = 0;  ///< longest sequence in tokens, specials counted; 0: no limit
  int64_t d_model = 0;
  int64_t layers = 0;
  int64_t parameters =
      0;  ///< numbers in the weights that a forward pass to the logits reads; 0: unknown
  std::vector<std::string> tokens;  ///< the text of each vocabulary id; may be empty
  std::string weights_hash;         ///< of what decides the weights (files, or a seed)
  Value switches;  ///< every policy in force, as a table: recorded, and part of the store's key
};

/// Token ids of several sequences, one after another, without padding.
struct Tokens {
  Tensor id;        ///< [t] int64
  Tensor start;     ///< [s + 1] int64: sequence i is start[i] .. start[i + 1] - 1
  Tensor sequence;  ///< [s] int64: index of the record in the data source
  Tensor flag;      ///< [t] uint8, RowFlag bits

  int64_t sequences() const;  ///< s
  /// Sequence i alone.
  Tokens of(int64_t i) const;
  /// The sequences of all parts, one after another; at least one part.
  static Tokens joined(const std::vector<Tokens>& parts);
};

/// rows.x [n, d] -> [n, d]. Returning rows.x itself is a read. Called with the rows of all
/// sequences of the forward pass, in the order of Tokens.
using Edit = std::function<Tensor(const Rows& rows)>;

struct Hook {
  std::string point;  ///< canonical name
  Edit edit;          ///< edits of one hookpoint compose in their order
};

/// What else a forward pass must give. With none of logits, attention and contacts the host stops
/// after the last hook.
struct Want {
  bool logits = false;
  /// With logits: only those of the last token of each sequence that has tokens.
  bool last = false;
  bool gradients = false;
  bool attention = false;
  bool contacts = false;
};

struct Logits {
  /// float32 [t, vocabulary]; with Want::last [sequences that have tokens, vocabulary]; undefined
  /// when it was not wanted.
  Tensor value;
  /// One of each sequence, float32 [layers, heads, n, n] over its n tokens; empty when not wanted.
  std::vector<Tensor> attention;
  /// One of each sequence, float32 [r, r] over its r residues, probabilities; empty when not
  /// wanted.
  std::vector<Tensor> contacts;
};

/// The cached state of generation (KV cache, scan state) of some sequences. Begins empty; the first
/// pass says how many sequences there are.
class Decoding {
 public:
  virtual ~Decoding();
  /// Tokens that it holds of each sequence.
  virtual std::vector<int64_t> lengths() const = 0;
};

/// How the rows that go into the final norm become logits: logits = norm(x) weight^T.
struct Unembedding {
  Tensor weight;         ///< [vocabulary, d]
  Tensor gain;           ///< [d], the norm's weight
  Tensor bias;           ///< [d], the norm's bias; undefined: none
  bool centred = false;  ///< a layer norm; else an RMS norm
  double eps = 0;
};

/// Where and how loudly a host works: nothing of this changes its identity.
struct HostSetup {
  std::string device = "cpu";
  /// A host is loaded once for each process of a run, so it says only Level::debug and
  /// Level::progress: anything else would make the events of a resumed run differ from those of an
  /// undisturbed one.
  EventSink* events = nullptr;
};

/// Constructed with (const P& params, const HostSetup&), from the configuration alone; weights are
/// read at the first forward pass. One thread at a time.
class HostModel {
 public:
  virtual ~HostModel();
  virtual const HostInfo& info() const = 0;
  /// Tokens of the texts with the host's specials; Tokens::sequence counts from 0. UserError naming
  /// the index of the text, the position and the letter when a text cannot be tokenised.
  virtual Tokens tokenize(std::span<const std::string> texts) const = 0;
  /// What ids spell, specials included. Default: info().tokens, one after another.
  virtual std::string text(std::span<const int64_t> ids) const;
  /// nullptr: this host cannot generate.
  virtual std::unique_ptr<Decoding> decoding();
  /// Nothing when logits are not a norm and a matrix away from the last block. Reads the weights.
  virtual std::optional<Unembedding> unembedding();
  /// Runs the host. Gradients are recorded only when want.gradients. With `decoding` the tokens are
  /// the next ones of the same sequences in the same order (some may have none): they see those
  /// before them, hooks see only them, at their true positions; without gradients and maps.
  virtual Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                         Decoding* decoding = nullptr) = 0;

  /// Held by whoever calls forward() or tokenize() while a training's rows may be made on another
  /// thread (activations.prefetch). Adapters need not care.
  std::mutex& turn() const { return turn_; }

 private:
  mutable std::mutex turn_;
};

/// The index in `info.points` of a canonical name or alias; UserError with the nearest names.
size_t hookpoint_index(const HostInfo& info, const std::string& name);
/// Applies the edits for `point` in their order; `rows.x` is [n, d]. For adapters.
Tensor apply_hooks(std::span<const Hook> hooks, const std::string& point, Rows rows);
/// The index in `info.points` of the last point that a hook names, or -1.
int64_t last_hooked(const HostInfo& info, std::span<const Hook> hooks);

}  // namespace facet
