# usage: schema.py SCHEMA valid|unknown SPEC...: each spec is valid, or is not because of a key that is not known. YAML
# is read as YAML 1.2 has it, where 1e-3 is a number and `on` a word.
import json, re, sys
import jsonschema, yaml


class Loader(yaml.SafeLoader):
    pass


for first, kinds in list(yaml.SafeLoader.yaml_implicit_resolvers.items()):
    Loader.yaml_implicit_resolvers[first] = [k for k in kinds if k[0].split(":")[-1] not in ("float", "bool")]
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), ["t", "f"])
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"), list("-+.0123456789"))

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = 0
for path in sys.argv[3:]:
    errors = list(validator.iter_errors(yaml.load(open(path), Loader)))
    if bool(errors) != (sys.argv[2] == "unknown"):
        wrong += 1
        print(path, errors[0].message[:300] if errors else "is valid")
sys.exit(wrong != 0)
