// kl_eval beside the reference values of tests/golden/kl, and what it promises and refuses.
#include <gtest/gtest.h>

#include "facet/torch.h"

#include <cmath>

#include "base/files.h"
#include "expect_refusal.h"
#include "facet/safetensors.h"
#include "splicing.h"

using namespace facet;

namespace {

const std::string kGoldenKl = FACET_TEST_DATA "/kl/";

const Value& golden() {
  static const Value all = parse_json(read_file(kGoldenKl + "golden.json"), "golden.json");
  return all;
}
const Value& plan() {
  static const Value all = parse_json(read_file(kGoldenKl + "plan.json"), "plan.json");
  return all;
}

/// Llama's tiny model; a text that begins with kNoBos gets no special in front.
constexpr char kNoBos = '\x01';
class MarkedHost final : public HostModel {
 public:
  explicit MarkedHost(int64_t pad) {
    for (const char* bos : {"on", "off"})
      hosts_.push_back(make_host(
          "llama", {{"weights", FACET_TEST_DATA "/llama_tiny"}, {"bos", bos}, {"pad", pad}}));
  }
  const HostInfo& info() const override { return hosts_[0]->info(); }
  Tokens tokenize(std::span<const std::string> texts) const override {
    const std::string text = texts[0];
    const bool plain = !text.empty() && text[0] == kNoBos;
    const std::string own = plain ? text.substr(1) : text;
    return hosts_[plain ? 1 : 0]->tokenize({&own, 1});
  }
  Logits forward(const Tokens& tokens, std::span<const Hook> hooks, Want want,
                 Decoding* decoding) override {
    return hosts_[0]->forward(tokens, hooks, want, decoding);
  }

 private:
  std::vector<std::unique_ptr<HostModel>> hosts_;
};

std::vector<Record> batch_of(const std::string& name) {
  std::vector<Record> out;
  for (const Value& one : *plan().at("llama_tiny").at("batches").at(name).as<Value::Array>()) {
    Record record;
    record.id = name + std::to_string(out.size());
    record.text = (*one.at("bos").as<bool>() ? "" : std::string(1, kNoBos)) + one.text("text");
    out.push_back(std::move(record));
  }
  return out;
}

int64_t padded_to(const std::string& batch) {
  return *(*golden()
                .at("results")
                .at("llama_tiny")
                .at("batches")
                .at(batch)
                .at("shape")
                .as<Value::Array>())[1]
              .as<int64_t>();
}

/// A run of kl_eval on records, all in one batch.
Report measured(HostModel& host, Sae& sae, const Normaliser& normaliser, const Place& place,
                const std::vector<Record>& records, Value params) {
  FakeContext context;
  context.living = &host;
  context.trained = &sae;
  context.normalising = &normaliser;
  context.spliced_at = place;
  context.kept = records;
  params.set("batch_tokens", 4096);
  params.set("figures", "all");
  params.set("resamples", 0);
  return run_analysis("kl_eval", params, context);
}

double baseline(const Report& report, const std::string& name, const std::string& of) {
  for (const auto& [key, value] : figure(report, name).baselines)
    if (key == of) return *value.as<double>();
  throw Bug("no baseline " + of);
}

/// Within the golden's absolute or relative tolerance of its kind.
void expect_golden(double is, double should, const std::string& what) {
  const Value& tolerance = golden().at("tolerance");
  const bool kl = what.find("kl_") != std::string::npos,
             share = what.find("recovered") != std::string::npos ||
                     what.find("score") != std::string::npos;
  const double absolute = tolerance.number(share ? "recovered_abs" : kl ? "kl_abs" : "ce_abs");
  const double relative = kl ? tolerance.number("kl_rel") : 0;
  EXPECT_LE(std::abs(is - should), std::max(absolute, relative * std::abs(should))) << what;
}

// Name there, name here.
const std::vector<std::pair<const char*, const char*>> kOfSplices = {
    {"ce", "ce_spliced"},
    {"ce_all_positions", "ce_spliced_all"},
    {"ce_saelens", "ce_spliced_saelens"},
    {"kl_token", "kl_token"},
    {"kl_token_nonspecial", "kl_token_content"},
    {"kl_token_all_positions", "kl_token_all"},
    {"kl_sequence_batchmean", "kl_sequence_route"},
    {"ce_recovered_zero", "ce_recovered_zero"},
    {"ce_recovered_mean", "ce_recovered_mean"},
    {"ce_score_saelens", "ce_score_saelens"},
    {"kl_score_saelens", "kl_score_saelens"},
    {"delta_ce_route", "delta_ce_route"},
    {"ce_recovered_route", "ce_recovered_route"}};

void expect_all(const Report& report, const Value& should, const std::string& what) {
  for (const auto& [there, here] : kOfSplices)
    if (should.find(there))
      expect_golden(number(report, here), should.number(there), what + " " + there);
}

struct LoadedForKl {
  LoadedSae loaded;
  Place place;
};
LoadedForKl golden_sae(const std::string& name) {
  LoadedForKl out{load_sae(kGoldenKl + "saes/" + name, architectures()), {}};
  for (const char* host : {"llama_tiny", "esm2_tiny"})
    for (const Value& one : *plan().at(host).at("saes").as<Value::Array>())
      if (one.text("name") == name)
        out.place.points = {"blocks." + std::to_string(one.integer("block")) + ".out"};
  return out;
}

/// Weights [rows, columns] that lie transposed in the file, put into an SAE.
void put(Sae& sae, const std::string& name, const Tensor& value) {
  const torch::NoGradGuard no_grad;
  param_of(sae, name).copy_(value);
}

struct RouteFamily {
  const Safetensors file{kGoldenKl + "saes/route_family.safetensors"};
  std::unique_ptr<Normaliser> layer_norm =
      normaliser_of(Value::Table{{"type", "layer_norm"}, {"eps", 1e-6}, {"eps_outside", true}});

  std::unique_ptr<Sae> topk(const std::string& type, int64_t points, Value::Table more = {}) const {
    more["type"] = type;
    more["d_sae"] = int64_t{256};
    more["k"] = int64_t{16};
    more["relu"] = false;
    auto sae = sae_of(Value(more), {points, points, 64, 64, false});
    put(*sae, "b_dec", file.tensor("sae.pre_bias"));
    put(*sae, "b_enc", file.tensor("sae.latent_bias"));
    put(*sae, "W_enc", file.tensor("sae.encoder.weight").t());
    put(*sae, "W_dec", file.tensor("sae.decoder.weight").t());
    if (type == "route") put(*sae, "W_router", file.tensor("router.weight").t());
    return sae;
  }
};

const std::vector<std::string> kRouted = {"blocks.0.out", "blocks.1.out", "blocks.2.out"};

}  // namespace

TEST(KlEval, agrees_with_the_reference_on_llama) {
  for (const auto& [name, of_sae] :
       *golden().at("results").at("llama_tiny").at("saes").as<Value::Table>()) {
    const LoadedForKl sae = golden_sae(name);
    for (const std::string batch : {"a", "b"}) {
      MarkedHost host(padded_to(batch));
      for (const auto& [variant, replace] :
           {std::pair("all", "all"), std::pair("nonspecial", "content")}) {
        const Report report = measured(host, *sae.loaded.sae, *sae.loaded.normaliser, sae.place,
                                       batch_of(batch), Value::Table{{"replace", replace}});
        const std::string what = name + " " + batch + " " + variant;
        expect_all(report, of_sae.at(batch).at(variant), what);
        EXPECT_LE(number(report, "kl_token_error_term"),
                  golden().at("tolerance").number("error_term_kl_abs"))
            << what;
        const Value& clean = golden().at("results").at("llama_tiny").at("batches").at(batch);
        expect_golden(number(report, "ce"), clean.at("orig").number("ce"), what + " ce");
        const Value& ablated =
            clean.at("ablation").at("block" + std::to_string(of_sae.at(batch).integer("block")));
        for (const char* how : {"zero", "mean"}) {
          expect_golden(baseline(report, "ce_spliced", how), ablated.at(how).number("ce"), what);
          expect_golden(baseline(report, "kl_token", how), ablated.at(how).number("kl_token"),
                        what + " kl_");
        }
      }
    }
  }
}

TEST(KlEval, agrees_with_the_reference_on_a_family_of_routes) {
  const RouteFamily family;
  const auto one = family.topk("topk", 1), mlsae = family.topk("topk", 1);
  for (const std::string batch : {"a", "b"}) {
    MarkedHost host(padded_to(batch));
    const Value& should = golden().at("results").at("route").at("batches").at(batch);
    const auto of = [&](Sae& sae, const Place& place, Value::Table params) {
      params["replace"] = "all";
      return measured(host, sae, *family.layer_norm, place, batch_of(batch), Value(params));
    };
    expect_all(of(*one, {.points = {"blocks.2.out"}}, {}), should.at("topk_single"), "topk");
    expect_all(of(*one, {.points = {"blocks.2.out"}}, {{"scaled", 0.0}}),
               should.at("topk_single_is_zero"), "topk is zero");
    for (const std::string aggregate : {"sum", "mean"}) {
      const auto route = family.topk("route", 3, {{"aggregate", aggregate}});
      expect_all(of(*route, {.points = kRouted}, {}), should.at("route_hard_" + aggregate),
                 "route " + aggregate);
      expect_all(of(*route, {.points = kRouted}, {{"scaled", 0.0}}),
                 should.at("route_hard_" + aggregate + "_is_zero"), "route is zero");
    }
    for (size_t i = 0; i < kRouted.size(); ++i)
      expect_all(
          of(*mlsae, {.points = kRouted, .by_layer = true}, {{"at", Value::Array{kRouted[i]}}}),
          should.at("mlsae_layer" + std::to_string(i + 1) + "_block" + std::to_string(i)), "mlsae");
    auto crosscoder =
        sae_of(Value::Table{{"type", "crosscoder"}, {"d_sae", 256}, {"decoder_bias", false}},
               {3, 3, 64, 64, false});
    std::vector<Tensor> encoders, decoders;
    for (int64_t i = 0; i < 3; ++i) {
      encoders.push_back(family.file.tensor("cc.encoder." + std::to_string(i) + ".weight").t());
      decoders.push_back(family.file.tensor("cc.decoder." + std::to_string(i) + ".weight").t());
    }
    put(*crosscoder, "W_enc", torch::stack(encoders, 0));
    put(*crosscoder, "W_dec", torch::stack(decoders, 1));
    put(*crosscoder, "b_enc", family.file.tensor("cc.latent_bias"));
    for (const auto& [from, name] : {std::pair("clean", "crosscoder_overwrite"),
                                     std::pair("difference", "crosscoder_additive")})
      expect_all(of(*crosscoder, {.points = kRouted}, {{"splice_from", from}}), should.at(name),
                 name);
  }
}

TEST(KlEval, agrees_with_the_reference_on_a_masked_language_model) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  std::vector<Record> records;
  const Value& texts = plan().at("esm2_tiny");
  for (const Value& text : *texts.at("sequences").as<Value::Array>()) {
    Record record;
    record.id = std::to_string(records.size());
    record.text = *text.as<std::string>();
    for (const Value& at : *(*texts.at("masked_token_positions").as<Value::Array>())[records.size()]
                                .as<Value::Array>())
      record.columns["masked"] += std::to_string(*at.as<int64_t>()) + " ";
    records.push_back(std::move(record));
  }
  for (const std::string form : {"masked", "unmasked"}) {
    const Value& all = golden().at("results").at("esm2_tiny").at(form);
    for (const auto& [name, of_sae] : *all.at("saes").as<Value::Table>()) {
      const LoadedForKl sae = golden_sae(name);
      for (const auto& [variant, replace] :
           {std::pair("all", "all"), std::pair("residues_only", "content")}) {
        Value params = Value::Table{{"replace", replace}};
        if (form == "masked")
          params.set("masked_column", "masked");
        else
          params.set("masked", 0.0);
        const Report report =
            measured(*host, *sae.loaded.sae, *sae.loaded.normaliser, sae.place, records, params);
        const std::string what = form + " " + name + " " + variant;
        const Value& should = of_sae.at(variant);
        expect_golden(number(report, "ce"), all.at("orig").number("ce"), what);
        expect_golden(number(report, "ce_spliced"), should.number("ce"), what);
        expect_golden(number(report, "kl_token"), should.number("kl_token"), what + " kl_token");
        for (const char* same : {"ce_recovered_zero", "ce_recovered_mean"})
          expect_golden(number(report, same), should.number(same), what + " " + same);
        if (form == "masked") {
          expect_golden(number(report, "kl_masked"), should.number("kl_at_scored"),
                        what + " kl_masked");
        } else {
          expect_golden(number(report, "ce_spliced_interplm"), should.number("ce_interplm"), what);
          EXPECT_NEAR(number(report, "pct_loss_recovered_interplm"),
                      should.number("pct_loss_recovered_interplm"),
                      100 * golden().at("tolerance").number("recovered_abs"));
        }
      }
    }
  }
}

namespace {

struct OfHost {
  const char* name;
  Value::Table params;
  const char* text;
};
std::vector<OfHost> hosts_to_splice() {
  return {{"toy", {{"d", 32}}, "MKTAYIAKQR"},
          {"esm2", {{"weights", kTiny}}, "MKTAYIAKQR"},
          {"llama", {{"weights", FACET_TEST_DATA "/llama_tiny"}}, "In the beginning God created."}};
}

std::vector<Record> some_records(const std::string& text) {
  std::vector<Record> out;
  for (const char* id : {"one", "two", "three"}) {
    out.emplace_back();
    out.back().id = id;
    out.back().text = text.substr(0, text.size() - 2 * (out.size() - 1));
  }
  return out;
}

}  // namespace

TEST(KlEval, of_the_identity_is_zero_at_every_hookpoint_of_every_host) {
  for (const OfHost& one : hosts_to_splice()) {
    const auto host = make_host(one.name, one.params);
    const auto none = normaliser_of("none");
    for (const HookPoint& point : host->info().points) {
      const auto identity =
          sae_of(Value::Table{{"type", "identity"}}, {1, 1, point.width, point.width});
      const Report report =
          measured(*host, *identity, *none, {{point.name}, {}, false, false},
                   some_records(one.text), Value::Table{{"replace", "all"}, {"masked", 0.0}});
      EXPECT_EQ(number(report, "kl_token"), 0) << one.name << " " << point.name;
      EXPECT_EQ(number(report, "ce_difference"), 0) << one.name << " " << point.name;
    }
  }
}

TEST(KlEval, of_half_a_reconstruction_is_above_zero_at_every_hookpoint_of_every_host) {
  for (const OfHost& one : hosts_to_splice()) {
    const auto host = make_host(one.name, one.params);
    const auto none = normaliser_of("none");
    for (const HookPoint& point : host->info().points) {
      const auto identity =
          sae_of(Value::Table{{"type", "identity"}}, {1, 1, point.width, point.width});
      const Report report =
          measured(*host, *identity, *none, {{point.name}, {}, false, false},
                   some_records(one.text), Value::Table{{"scaled", 0.5}, {"masked", 0.0}});
      // What comes behind a norm alone is scaled away by it, but for its epsilon.
      EXPECT_GT(number(report, "kl_token"), 0) << one.name << " " << point.name;
      EXPECT_EQ(figure(report, "scaled").value, Value(0.5));
      EXPECT_EQ(figure(report, "splice_from").value, Value("live"));
    }
  }
}

TEST(KlEval, has_intervals_and_stops_after_some_tokens) {
  const auto host = make_host("toy", {{"d", 32}});
  const auto none = normaliser_of("none");
  const auto sae =
      drawn_sae(Value::Table{{"type", "topk"}, {"d_sae", 48}, {"k", 6}}, {1, 1, 32, 32});
  FakeContext context;
  context.living = host.get();
  context.trained = sae.get();
  context.normalising = none.get();
  context.spliced_at = {{"blocks.1.out"}, {}, false, false};
  context.kept = some_records("MKTAYIAKQR");
  const Report all = run_analysis("kl_eval", Value::Table{{"masked", 0.0}}, context);
  ASSERT_TRUE(figure(all, "kl_token").interval);
  EXPECT_LT(figure(all, "kl_token").interval->low, number(all, "kl_token"));
  EXPECT_GT(figure(all, "kl_token").interval->high, number(all, "kl_token"));
  EXPECT_EQ(number(all, "tokens"), 12 + 10 + 8);
  EXPECT_EQ(context.tables.at("kl_sequences.tsv").rows().size(), 3u);
  const Report few =
      run_analysis("kl_eval", Value::Table{{"max_tokens", 13}, {"masked", 0.0}}, context);
  EXPECT_EQ(number(few, "tokens"), 12 + 10);
}

TEST(KlEval, refuses_what_it_cannot_measure) {
  const auto host = make_host("esm2", {{"weights", kTiny}});
  const auto toy = make_host("toy", {{"d", 32}});
  const auto none = normaliser_of("none");
  const auto sae =
      drawn_sae(Value::Table{{"type", "topk"}, {"d_sae", 48}, {"k", 6}}, {1, 1, 64, 64});
  const Place place{{"blocks.1.out"}, {}, false, false};
  const auto refusal = [&](HostModel& in, std::vector<Record> records, Value params) {
    return refusal_of([&] { measured(in, *sae, *none, place, records, std::move(params)); });
  };
  EXPECT_EQ(refusal(*host, {}, Value(Value::Table())), "kl_eval: there is no record to measure");
  std::vector<Record> records = some_records("MKTAYIAKQR");
  records.resize(1);
  EXPECT_EQ(refusal(*host, records, Value::Table{{"masked_column", "masks"}}),
            "kl_eval.masked_column: record \"one\": has no column \"masks\"");
  records[0].columns["masks"] = "4 11";
  EXPECT_EQ(refusal(*host, records, Value::Table{{"masked_column", "masks"}}),
            "kl_eval.masked_column: record \"one\": \"11\" is no token of the text, should be from "
            "0 to 11 without specials");
  EXPECT_EQ(refusal(*toy, records, Value(Value::Table())),
            "kl_eval.masked: toy has no mask token, should be 0 to leave every token as it is");
  EXPECT_EQ(refusal(*host, records, Value::Table{{"at", Value::Array{"blocks.2.out"}}}),
            "splice: at blocks.2.out: this SAE reconstructs blocks.1.out");
  records[0].text = "MKJ";
  EXPECT_TRUE(refusal(*host, records, Value(Value::Table())).starts_with("record \"one\": esm2: "));
}
