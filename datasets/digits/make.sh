#!/bin/sh
# Makes the four IDX files here from Debian's copy of the data (python3-sklearn): sh datasets/digits/make.sh [CSV.GZ]
# A pixel v of 0..16 is stored as v*255/16, rounded. Of each class, every fifth sample (in the file's order) is test.
set -eu
csv=${1:-/usr/lib/python3/dist-packages/sklearn/datasets/data/digits.csv.gz}
cd "$(dirname "$0")"

gzip -dc "$csv" | LC_ALL=C awk -F, '
function put32(n, file) { printf "%c%c%c%c", n / 16777216 % 256, n / 65536 % 256, n / 256 % 256, n % 256 > file }
function header(file, dims, n) {
    printf "%c%c%c%c", 0, 0, 8, dims > file
    put32(n, file)
    if (dims == 3) { put32(8, file); put32(8, file) }
}
{ line[NR] = $0; part[NR] = ++seen[$65] % 5 ? "train" : "t10k"; count[part[NR]]++ }
END {
    for (p in count) {
        header(p "-images-idx3-ubyte", 3, count[p])
        header(p "-labels-idx1-ubyte", 1, count[p])
    }
    for (i = 1; i <= NR; i++) {
        split(line[i], v, ",")
        for (j = 1; j <= 64; j++) printf "%c", int(v[j] * 255 / 16 + 0.5) > part[i] "-images-idx3-ubyte"
        printf "%c", v[65] + 0 > part[i] "-labels-idx1-ubyte"
    }
}'
