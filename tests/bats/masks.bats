# Segmentation: a folder of images, a folder of their masks.

setup() {
    load common
    common_setup
    need_python
}

discs() { python3 "$repo/tests/bats/masks.py" "$@"; }

# unet KEYS OPTION...: trains specs/unet.yaml on the folders, KEYS beside them
unet() {
    keys=$1
    shift
    "$ctorch" train specs/unet.yaml --set "data={images: images, masks: masks, $keys}" --set train.batch_size=4 "$@"
}

@test "masks: a U-Net learns discs, eval counts pixels, predict writes the masks that eval sees" {
    discs 40 24 1
    keys='size: 24, validation: 0.2, augment: [random_flip, random_rotation: 10, color_jitter: {brightness: 0.2}]'
    succeeds unet "$keys" --set train.epochs=12 -o run --json
    json 'd["validation_accuracy"] > 0.95 and d["loss"] < 0.45'
    python3 -c '
import json
loss = [r["loss"] for r in map(json.loads, open("run/log.jsonl")) if r["type"] == "epoch"]
assert loss == sorted(loss, reverse=True), loss'
    succeeds "$ctorch" eval run --json
    json 'd["pixels"] == 4 * 24 * 24 and d["accuracy"] > 0.9'
    succeeds "$ctorch" predict run images/even -o out
    [ "$(wc -l <<<"$output")" -eq 20 ]
    [ "${lines[0]}" = "images/even/0.png	out/0.png" ]
    succeeds "$ctorch" eval run/best.safetensors --data images/even --masks out --split train --json
    json 'd["accuracy"] == 1'
    succeeds "$ctorch" predict run images/odd/1.png -o out --json
    json 'd["mask"] == "out/1.png" and abs(sum(c["share"] for c in d["classes"]) - 1) < 1e-9'
    [ "$(od -An -tu1 -j16 -N8 out/1.png | xargs)" = "0 0 0 25 0 0 0 24" ] # its image's size, not the model's
}

@test "masks: black and white are classes 0 and 1, a palette's numbers count, one value can be left out" {
    discs 12 16 255
    succeeds unet "" --set train.epochs=1 -q -o white
    succeeds "$ctorch" eval white --split train --json
    json 'len(d["classes"]) == 2 and d["classes"][1]["support"] > 0'
    discs 12 16 1 palette
    succeeds unet "" --set train.epochs=1 -q -o palette
    python3 - <<'Q'
import json, struct
def weights(path):
    data = open(path + "/best.safetensors", "rb").read()
    return data[8 + struct.unpack("<Q", data[:8])[0]:]
assert weights("white") == weights("palette")
Q
    discs 12 16 9
    fails 2 unet "" --set train.epochs=1 -q -o run
    says "the data has 10 classes"
    fails 3 unet "classes: 2" --set train.epochs=1 -q -o run
    says "masks/even/" "has a pixel of value 9, and there are 2 classes"
    succeeds unet "classes: 2" --set 'loss={cross_entropy: {ignore_index: 9}}' --set train.epochs=1 -q -o run
    succeeds "$ctorch" eval run --split train --json
    json 'd["classes"][1]["support"] == 0 and d["pixels"] < 11 * 16 * 16'
}

@test "masks: what does not fit is said of both files" {
    discs 6 16 1
    mv masks/odd/3.png masks/odd/33.png
    fails 1 unet "" --set train.epochs=1 -q -o run
    says "images/odd/3.png: has no mask: masks/odd/3.png is not there"
    cp masks/even/0.png masks/odd/3.png
    fails 3 unet "" --set train.epochs=1 -q -o run
    says "images/odd/3.png: is 16 x 17, and its mask masks/odd/3.png 16 x 16"
    succeeds unet "on_bad: skip, test: 0" --set train.epochs=1 -o run
    says "1 damaged samples left out"
    cp images/odd/3.png masks/odd/3.png
    fails 3 unet "" --set train.epochs=1 -q -o run2
    says "masks/odd/3.png: is no mask: one is grey or has a palette"
    fails 1 "$ctorch" eval run/best.safetensors --data images
    says "was trained on images with masks; --masks says where these are"
    fails 2 "$ctorch" predict run images
    says "gives a class for each pixel; -o DIR says where the masks go"
    fails 1 "$ctorch" predict run images/even -o images/even
    says "images/even/0.png: its mask would replace it"
    cp images/even/0.png images/odd/0.png
    fails 1 "$ctorch" predict run images -o out
    says "images/odd/0.png: another image of that name has its mask in out/0.png already"
    quick -o digits
    fails 2 "$ctorch" predict digits images/even/0.png -o out
    says "gives a class, and no mask; leave -o out"
}

@test "masks: check knows their shape, show draws them" {
    discs 6 16 1
    succeeds "$ctorch" check specs/unet.yaml --set 'data={images: images, masks: masks, size: 64, channels: 3, classes: 2}'
    says "(N, 2, 64, 64)"
    fails 2 "$ctorch" check specs/unet.yaml --set 'data={images: images, masks: masks, size: 64, channels: 3, classes: 3}'
    says "the data has 3 classes and the target is (N, 64, 64)"
    succeeds "$ctorch" show specs/unet.yaml --set 'data={images: images, masks: masks, augment: [random_flip]}' --batch batch.png
    [ -s batch.png ]
}

@test "check: a folder's first image tells what its keys leave open" {
    discs 6 16 1
    succeeds "$ctorch" check specs/unet.yaml --set data='{images: images, masks: masks}' --json
    json 'd["input"] == "(N, 3, 16, 16)" and d["bytes"]["data"] == 6 * 16 * 16 * 4'
    succeeds "$ctorch" check specs/unet.yaml --set data='{images: nowhere, size: 16}'
    says "only its data would say what size the input has"
    succeeds "$ctorch" check specs/unet.yaml --set data='{images: nowhere, masks: nowhere, size: 16, channels: 1}' --json
    json 'd["input"] == "(N, 1, 16, 16)"'
}
