// Makes hosts and data sources from parsed sections.
#include "run/open_parts.h"

#include "plugin/call.h"
#include "run/manifest.h"
#include "run/sections.h"

namespace facet {

AnyParams parse_section(const std::string& section, const Value& value, const Registry& registry) {
  std::vector<std::string> problems;
  AnyParams params =
      section_schema(section, value, registry).parse(section, value, Demand::whole, problems);
  if (!problems.empty()) throw UserError(problems);
  return params;
}

std::shared_ptr<HostHandle> open_host(const HostPart& part, const AnyParams& params,
                                      const HostSetup& setup, InputHash& hash) {
  auto out = std::make_shared<HostHandle>();
  out->type = part.name;
  out->host = call_plugin(part.plugin, [&] { return part.make(own_part(params), setup); });
  out->weights_hash = out->host->info().weights_hash;
  for (const FieldDoc& field : part.schema.fields)
    if (const Value* path = params.resolved.find(field.name);
        out->weights_hash.empty() && field.input_path && path && path->is<std::string>())
      out->weights_hash = hash.of(*path->as<std::string>());
  return out;
}

std::shared_ptr<DataHandle> open_data(const DataPart& part, const AnyParams& params,
                                      const std::string& source_key) {
  const std::shared_ptr<const Data> source =
      call_plugin(part.plugin, [&] { return part.make(own_part(params)); });
  auto out = std::make_shared<DataHandle>();
  out->data =
      std::make_shared<Dataset>(source, kernel_part(params).as<DatasetParams>(), source_key);
  out->key = out->data->key();
  return out;
}

}  // namespace facet
