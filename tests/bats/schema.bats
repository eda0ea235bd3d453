# ctorch schema: the keys as JSON Schema, and as a list.

setup() {
    load common
    common_setup
}

need_jsonschema() {
    python3 -c 'import jsonschema, yaml; jsonschema.Draft202012Validator' 2>/dev/null || skip "no python3-jsonschema"
}

@test "schema: valid JSON Schema, which the shelf fits and unknown keys do not" {
    need_jsonschema
    "$ctorch" schema >schema.json
    succeeds python3 "$repo/tests/bats/schema.py" schema.json valid specs/*.yaml
    grep -l 'unknown \(key\|layer\|loss\|optimizer\|schedule\)' "$repo"/tests/wrong/*.txt | sed 's/txt$/yaml/' >unknown
    [ "$(wc -l <unknown)" -ge 10 ]
    # what names are known where a spec makes some itself is beyond a schema, and so are included files
    grep -L '^blocks:\|^include:' $(cat unknown) >closed
    succeeds python3 "$repo/tests/bats/schema.py" schema.json unknown $(cat closed)
}

@test "schema: editors are told of types, bounds, defaults and meanings" {
    need_python
    run "$ctorch" schema
    json 'd["$schema"] == "https://json-schema.org/draft/2020-12/schema"'
    json 'd["additionalProperties"] is False'
    json '{"model", "loss", "optimizer", "train", "vars", "blocks", "include"} <= set(d["properties"])'
    json 'd["properties"]["train"]["anyOf"][0]["properties"]["epochs"]["default"] == 10'
    json 'd["properties"]["train"]["anyOf"][0]["properties"]["epochs"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 1e9}'
    json '"probability" in d["$defs"]["layers.dropout"]["anyOf"][0]["properties"]["p"]["description"]'
    json 'd["$defs"]["loss.mse_loss"]["anyOf"][0]["properties"]["reduction"]["anyOf"][0]["enum"] == ["mean", "sum", "none"]'
    json 'd["$defs"]["layers.linear"]["anyOf"][0]["required"] == ["out_features"]'
    json 'all(way["additionalProperties"] is False for way in d["$defs"]["group"]["anyOf"])'
    json '"weight_decay" in d["$defs"]["group"]["anyOf"][0]["properties"]'
    json 'd["$defs"]["group"]["anyOf"][-1]["properties"]["muon"] == {"$ref": "#/$defs/optimizer.muon"}'
}

@test "schema --keys: each key once, with type, default and meaning" {
    "$ctorch" schema --keys >keys
    [ "$(wc -l <keys)" -gt 500 ]
    [ -z "$(cut -f1 keys | sort | uniq -d)" ]
    [ "$(awk -F'\t' 'NF != 4 || $1 == "" || $2 == "" || $3 == "" || $4 == ""' keys)" = "" ]
    grep -q "^train.batch_size	integer from 1 to 16777216	64	samples a batch$" keys
    grep -q "^model.N.conv2d.kernel_size	integer from 1 to 1048576 or list of 2	required	" keys
    grep -q "^optimizer.adam.betas	number from 0 to 1 or list of 2	\[0.9, 0.999\]	" keys
}
