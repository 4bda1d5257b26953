// A small ontology and its annotations, as files.
#pragma once

#include <string>

#include "core/plugin/temporary_folder.h"
#include "facet/ontology.h"

namespace facet {

inline std::string obo_term(const std::string& id, const std::string& name, const std::string& more,
                            const std::string& space = "biological_process") {
  return "[Term]\nid: GO:" + id + "\nname: " + name + "\nnamespace: " + space + "\n" + more + "\n";
}

/// 1 <- 2 <- 3, 1 <- 4, 4 part_of 2, 3 is_a 4 too; 9 is obsolete; 21 and 31 are the other roots.
inline std::string small_obo() {
  return "format-version: 1.2\ndata-version: releases/test\n\n" +
         obo_term("0000003", "three", "is_a: GO:0000002 {source=\"x\"} ! two\nis_a: GO:0000004\n") +
         obo_term("0000001", "one", "") +
         obo_term("0000002", "two", "alt_id: GO:0000012\nis_a: GO:0000001 ! one\n") +
         obo_term("0000004", "four",
                  "is_a: GO:0000001\nrelationship: part_of GO:0000002 ! two\n"
                  "relationship: occurs_in GO:0000031\n") +
         obo_term("0000009", "nine", "is_obsolete: true\nis_a: GO:0000001\n") +
         obo_term("0000021", "function", "", "molecular_function") +
         obo_term("0000031", "place", "", "cellular_component") +
         "[Typedef]\nid: part_of\nname: part of\n";
}

/// A line of a GAF file.
inline std::string gaf_line(const std::string& gene, const std::string& term,
                            const std::string& evidence = "IDA", const std::string& aspect = "P",
                            const std::string& qualifier = "involved_in") {
  return "UniProtKB\t" + gene + "\tSYM_" + gene + "\t" + qualifier + "\t" + term + "\tPMID:1\t" +
         evidence + "\t\t" + aspect + "\tits name\tOTHER_" + gene +
         "\tprotein\ttaxon:9606\t20220912\tX\t\t\n";
}

inline Ontology small_ontology(const TemporaryFolder& folder) {
  return Ontology::read(folder.write("small.obo", small_obo()));
}

}  // namespace facet
