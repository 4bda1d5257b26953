// What every host must do.
#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "facet/torch.h"
#include "plugin/conformance_trial.h"

namespace facet {

namespace {

// A batch and its sequences alone go through products of other sizes, in float32.
constexpr double kSameRows = 1e-5;
// A cached pass attends in another order of summation, in every block.
constexpr double kSameCached = 1e-4;
// float32 probabilities over a few tokens.
constexpr double kSumsToOne = 1e-4;
// Letters of the texts that are tried, and what to write them with when the host does not list its
// tokens.
constexpr int64_t kLengths[] = {5, 9, 3};
constexpr const char* kAnyLetters = "ACDEFGHIKL";

std::vector<std::string> texts_for(const HostInfo& info) {
  std::string letters;
  for (const std::string& token : info.tokens)
    if (token.size() == 1 && std::isupper(static_cast<unsigned char>(token[0]))) letters += token;
  if (letters.empty()) letters = kAnyLetters;
  std::vector<std::string> texts;
  size_t next = 0;
  for (const int64_t length : kLengths) {
    std::string text;
    while (static_cast<int64_t>(text.size()) < length) text += letters[next++ % letters.size()];
    texts.push_back(text);
  }
  return texts;
}

// |a - b| relative to |a|, largest over rows.
double row_distance(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  const Tensor apart = (a - b).to(torch::kFloat64).norm(2, 1);  // [n]
  return (apart / a.to(torch::kFloat64).norm(2, 1).clamp_min(1e-12)).max().item<double>();
}

class HostTrial {
 public:
  explicit HostTrial(const HostPart& part) : part_(part), trial_(part) {}

  Findings run() {
    trial_.property("constructs", [&] { return construct(); });
    if (!host_) return trial_.finish();
    check("information is consistent", &HostTrial::information);
    check("tokens are consistent", &HostTrial::tokens);
    if (!tokens_.id.defined()) return trial_.finish();
    check("rows at each hookpoint", &HostTrial::rows_at_points);
    check("reading changes nothing", &HostTrial::reading);
    check("replacing changes the output", &HostTrial::replacing);
    check("a batch gives the rows of single sequences", &HostTrial::batch_of_one);
    check("any order gives the same rows", &HostTrial::other_order);
    check("the same bits again", &HostTrial::again);
    check("logits only when wanted", &HostTrial::logits_when_wanted);
    check("last gives the logits of the last tokens", &HostTrial::last_logits);
    check("decoding token by token gives the logits of the whole", &HostTrial::token_by_token);
    check("a text comes back from its tokens", &HostTrial::text_back);
    check("attention maps only when wanted", &HostTrial::attention_when_wanted);
    check("contacts only when wanted", &HostTrial::contacts_when_wanted);
    check("gradients only when wanted", &HostTrial::gradients_when_wanted);
    check("gradients reach each hookpoint", &HostTrial::gradients_at_points);
    return trial_.finish();
  }

 private:
  void check(const char* name, Outcome (HostTrial::*property)()) {
    trial_.property(name, [&] { return (this->*property)(); });
  }

  Outcome construct() {
    const Sample sample = sample_params(part_);
    if (!sample.params) return sample.why;
    host_ = part_.make(*sample.params, HostSetup{"cpu", &silence_});
    return host_ ? holds() : fails("made nothing");
  }

  Outcome information() {
    const HostInfo& info = host_->info();
    if (info.points.empty()) return fails("no hookpoints");
    std::set<std::string> names;
    for (const HookPoint& point : info.points) {
      for (const std::string& name : {point.name, point.alias})
        if (!name.empty() && !names.insert(name).second)
          return fails("two hookpoints are called " + name);
      if (point.name.empty() || point.width <= 0)
        return fails("a hookpoint has no name or no width");
    }
    if (info.vocabulary <= 0) return fails("the vocabulary is empty");
    if (!info.tokens.empty() && static_cast<int64_t>(info.tokens.size()) != info.vocabulary)
      return fails("tokens should be empty or one for each of the vocabulary");
    const auto& fields = part_.schema.fields;
    const bool files = std::any_of(fields.begin(), fields.end(),
                                   [](const FieldDoc& field) { return field.input_path; });
    return info.weights_hash.empty() && !files  // the contents of files are hashed for it
               ? fails("no hash of the weights")
               : holds();
  }

  Outcome tokens() {
    texts_ = texts_for(host_->info());
    Tokens tokens = host_->tokenize(texts_);
    const auto count = static_cast<int64_t>(texts_.size());
    if (tokens.start.numel() != count + 1 || tokens.sequence.numel() != count)
      return fails("start or sequence does not match the texts");
    if (!torch::equal(tokens.sequence.cpu(), torch::arange(count)))
      return fails("sequence should count from 0");
    const int64_t all = tokens.id.numel();
    if (tokens.start[0].item<int64_t>() != 0 || tokens.start[-1].item<int64_t>() != all ||
        (tokens.start.diff() <= 0).any().item<bool>())
      return fails("start should rise from 0 to the number of tokens");
    if (tokens.flag.numel() != all) return fails("flag should have one entry a token");
    if (((tokens.id < 0) | (tokens.id >= host_->info().vocabulary)).any().item<bool>())
      return fails("a token lies outside the vocabulary");
    tokens_ = std::move(tokens);
    return holds();
  }

  // Rows at every hookpoint in its order, as read in one forward pass.
  std::vector<Rows> read(const Tokens& tokens) {
    std::vector<Rows> rows(host_->info().points.size());
    std::vector<Hook> hooks;
    for (size_t i = 0; i < rows.size(); ++i)
      hooks.push_back({host_->info().points[i].name,
                       [&rows, i](const Rows& seen) { return rows[i] = seen, seen.x; }});
    host_->forward(tokens, hooks, {});
    return rows;
  }

  Outcome rows_at_points() {
    const int64_t all = tokens_.id.numel();
    const std::vector<Rows> rows = read(tokens_);
    for (size_t i = 0; i < rows.size(); ++i) {
      const HookPoint& point = host_->info().points[i];
      if (!rows[i].x.defined()) return fails(point.name + ": its hook was not called");
      if (rows[i].x.sizes() != at::IntArrayRef({all, point.width}))
        return fails(point.name + ": rows are not [tokens, width]");
      for (const Tensor& ids : {rows[i].sequence, rows[i].position, rows[i].token, rows[i].flag})
        if (!ids.defined() || ids.numel() != all)
          return fails(point.name + ": sequence, position, token or flag is missing");
      if (!torch::equal(rows[i].token.to(torch::kInt64).cpu(), tokens_.id.cpu()))
        return fails(point.name + ": rows are in another order than tokens");
      if (!torch::isfinite(rows[i].x).all().item<bool>())
        return fails(point.name + ": rows are not finite");
    }
    return holds();
  }

  Tensor logits(std::vector<Hook> hooks) {
    return host_->forward(tokens_, hooks, {.logits = true}).value;
  }

  Outcome reading() {
    const Tensor plain = logits({});
    if (!plain.defined()) return skips("it has no logits");
    std::vector<Hook> hooks;
    for (const HookPoint& point : host_->info().points)
      hooks.push_back({point.name, [](const Rows& rows) { return rows.x; }});
    return torch::equal(plain, logits(hooks))
               ? holds()
               : fails("logits have other bits when every hookpoint is read");
  }

  Outcome replacing() {
    const Tensor plain = logits({});
    if (!plain.defined()) return skips("it has no logits");
    for (const HookPoint& point : host_->info().points)
      if (torch::equal(
              plain,
              logits({{point.name, [](const Rows& rows) { return torch::zeros_like(rows.x); }}})))
        return fails(point.name + ": zeros instead of its rows change no logit");
    return holds();
  }

  Outcome batch_of_one() {
    const std::vector<Rows> together = read(tokens_);
    for (size_t s = 0; s < texts_.size(); ++s) {
      const std::vector<Rows> alone = read(host_->tokenize(std::span(&texts_[s], 1)));
      const int64_t begin = tokens_.start[static_cast<int64_t>(s)].item<int64_t>();
      const int64_t end = tokens_.start[static_cast<int64_t>(s) + 1].item<int64_t>();
      for (size_t i = 0; i < alone.size(); ++i)
        if (!(row_distance(together[i].x.slice(0, begin, end), alone[i].x) <= kSameRows))
          return fails(host_->info().points[i].name + ": sequence " + std::to_string(s) +
                       " has other rows in a batch than alone");
    }
    return holds();
  }

  Outcome other_order() {
    const std::vector<Rows> forward = read(tokens_);
    const std::vector<std::string> turned(texts_.rbegin(), texts_.rend());
    const std::vector<Rows> backward = read(host_->tokenize(turned));
    const auto count = static_cast<int64_t>(texts_.size());
    for (int64_t s = 0; s < count; ++s) {
      const int64_t begin = tokens_.start[s].item<int64_t>();
      const int64_t end = tokens_.start[s + 1].item<int64_t>();
      const int64_t from = tokens_.id.numel() - end;
      for (size_t i = 0; i < forward.size(); ++i)
        if (!(row_distance(forward[i].x.slice(0, begin, end),
                           backward[i].x.slice(0, from, from + end - begin)) <= kSameRows))
          return fails(host_->info().points[i].name + ": sequence " + std::to_string(s) +
                       " has other rows when the others stand elsewhere");
    }
    return holds();
  }

  Outcome again() {
    const std::vector<Rows> first = read(tokens_), second = read(tokens_);
    for (size_t i = 0; i < first.size(); ++i)
      if (!torch::equal(first[i].x, second[i].x))
        return fails(host_->info().points[i].name + ": a second pass gives other bits");
    return holds();
  }

  // What a pass gives of `want`; nothing when the host refuses it.
  std::optional<Logits> given(Want want) {
    try {
      return host_->forward(tokens_, {}, want);
    } catch (const UserError&) {
      return std::nullopt;
    }
  }

  Outcome attention_when_wanted() {
    if (!given({})->attention.empty()) return fails("attention maps came unasked");
    const std::optional<Logits> out = given({.attention = true});
    if (!out) return holds();
    if (out->attention.size() != texts_.size())
      return fails("a host gives a map of each sequence or refuses");
    for (size_t s = 0; s < texts_.size(); ++s) {
      const Tensor& map = out->attention[s];
      const int64_t n = tokens_.start.diff()[static_cast<int64_t>(s)].item<int64_t>();
      if (map.dim() != 4 || map.size(0) != host_->info().layers || map.size(2) != n ||
          map.size(3) != n)
        return fails("a map is not [layers, heads, n, n]");
      if (!((map.sum(-1) - 1).abs().max().item<double>() <= kSumsToOne))
        return fails("what a token attends to does not sum to 1");
    }
    return holds();
  }

  Outcome contacts_when_wanted() {
    if (!given({})->contacts.empty()) return fails("contacts came unasked");
    const std::optional<Logits> out = given({.contacts = true});
    if (!out) return holds();
    if (out->contacts.size() != texts_.size())
      return fails("a host gives contacts of each sequence or refuses");
    for (size_t s = 0; s < texts_.size(); ++s) {
      const Tensor& contacts = out->contacts[s];
      const auto residues = static_cast<int64_t>(texts_[s].size());
      if (contacts.sizes() != at::IntArrayRef({residues, residues}))
        return fails("contacts are not [residues, residues]");
      if (!((contacts >= 0) & (contacts <= 1)).all().item<bool>())
        return fails("contacts are not probabilities");
    }
    return holds();
  }

  Outcome logits_when_wanted() {
    const HookPoint& first = host_->info().points.front();
    const std::vector<Hook> hooks = {{first.name, [](const Rows& rows) { return rows.x; }}};
    if (host_->forward(tokens_, hooks, {}).value.defined()) return fails("logits came unasked");
    const Tensor wanted = logits(hooks);
    if (!wanted.defined()) return skips("it has no logits");
    return wanted.sizes() == at::IntArrayRef({tokens_.id.numel(), host_->info().vocabulary})
               ? holds()
               : fails("logits are not [tokens, vocabulary]");
  }

  Outcome last_logits() {
    const Tensor all = logits({});
    if (!all.defined()) return skips("it has no logits");
    const Tensor last = host_->forward(tokens_, {}, {.logits = true, .last = true}).value;
    const Tensor should = all.index_select(0, tokens_.start.slice(0, 1).to(all.device()) - 1);
    return row_distance(should, last) <= kSameRows
               ? holds()
               : fails("they are not those of the last token of each sequence");
  }

  // Sequences of different lengths: towards the end some have no token left.
  Outcome token_by_token() {
    const auto decoding = host_->decoding();
    if (!decoding) return skips("it cannot generate");
    const Tensor whole = logits({});
    const Tensor length = tokens_.start.diff(), begin = tokens_.start.slice(0, 0, -1);
    for (int64_t at = 0; at < length.max().item<int64_t>(); ++at) {
      const Tensor going = length > at;
      const Tensor index = (begin + at).masked_select(going);
      const Tensor start = torch::cat({torch::zeros({1}, torch::kInt64), going.cumsum(0)});
      const Tokens next = {tokens_.id.index_select(0, index), start, tokens_.sequence,
                           tokens_.flag.index_select(0, index)};
      const Tensor value = host_->forward(next, {}, {.logits = true}, decoding.get()).value;
      if (!(row_distance(whole.index_select(0, index.to(whole.device())), value) <= kSameCached))
        return fails("other logits at token " + std::to_string(at));
    }
    const Tensor held = torch::tensor(decoding->lengths(), torch::kInt64);
    return torch::equal(held, length) ? holds() : fails("it says other lengths than were given");
  }

  Outcome text_back() {
    for (size_t s = 0; s < texts_.size(); ++s) {
      const Tensor id = tokens_.of(static_cast<int64_t>(s)).id.cpu().contiguous();
      const std::span ids(id.const_data_ptr<int64_t>(), static_cast<size_t>(id.numel()));
      const std::string text = host_->text(ids);
      if (text.empty()) return skips("it does not say what its tokens spell");
      if (text.find(texts_[s]) == std::string::npos)
        return fails("\"" + texts_[s] + "\" came back as \"" + text + "\"");
    }
    return holds();
  }

  Outcome gradients_when_wanted() {
    for (const Rows& rows : read(tokens_))
      if (rows.x.requires_grad()) return fails("rows carry gradients that nobody asked for");
    const Tensor value =
        host_->forward(tokens_, leaf_at(0), {.logits = true, .gradients = true}).value;
    if (!value.defined()) return skips("it has no logits");
    return value.requires_grad() ? holds() : fails("no gradients when they were asked for");
  }

  // Makes the rows at a point the leaf of a graph, leaf_.
  std::vector<Hook> leaf_at(size_t point) {
    return {{host_->info().points[point].name, [this](const Rows& rows) {
               return leaf_ = rows.x.detach().clone().requires_grad_();
             }}};
  }

  Outcome gradients_at_points() {
    for (size_t i = 0; i < host_->info().points.size(); ++i) {
      leaf_ = Tensor();
      const Tensor value =
          host_->forward(tokens_, leaf_at(i), {.logits = true, .gradients = true}).value;
      if (!value.defined()) return skips("it has no logits");
      if (value.requires_grad()) value.square().sum().backward();
      if (!leaf_.defined() || !leaf_.grad().defined() ||
          !(leaf_.grad().abs().max().item<double>() > 0))
        return fails(host_->info().points[i].name + ": no gradient of the logits reaches it");
    }
    return holds();
  }

  struct Silence : EventSink {
    void emit(const Event&) override {}
  };

  const HostPart& part_;
  Trial trial_;
  Silence silence_;
  std::unique_ptr<HostModel> host_;
  std::vector<std::string> texts_;
  Tokens tokens_;
  Tensor leaf_;  // of the last pass with leaf_at
};

}  // namespace

Findings check_host(const HostPart& part) { return HostTrial(part).run(); }

}  // namespace facet
