/* 2 / pi by the exponent e of a float x, 2^e <= |x|: what of it counts for x 2 / pi modulo 4, as x is a multiple of
   2^(e - 23) (Payne and Hanek, 1983). Two parts, of which the first has 29 bits: its product with a float is exact.
   Entry 0 is for all e up to 25, entry i for e = 25 + i. */
#ifndef CT_KERNELS_CPU_TURNS_H
#define CT_KERNELS_CPU_TURNS_H
static const double turns_high[] = {
    0x1.45f306ep-1,  0x1.17cc1b7p-3,  0x1.17cc1b7p-3,  0x1.7cc1b72p-7,   0x1.7cc1b72p-7,   0x1.7cc1b72p-7,
    0x1.7cc1b72p-7,  0x1.f306dcap-9,  0x1.f306dcap-9,  0x1.e60db94p-10,  0x1.cc1b727p-11,  0x1.9836e4ep-12,
    0x1.306dc9dp-13, 0x1.836e4e4p-16, 0x1.836e4e4p-16, 0x1.836e4e4p-16,  0x1.06dc9c9p-17,  0x1.b727221p-23,
    0x1.b727221p-23, 0x1.b727221p-23, 0x1.b727221p-23, 0x1.b727221p-23,  0x1.b727221p-23,  0x1.6e4e441p-24,
    0x1.b939105p-26, 0x1.b939105p-26, 0x1.727220bp-27, 0x1.c9c882ap-29,  0x1.c9c882ap-29,  0x1.9391055p-30,
    0x1.27220a9p-31, 0x1.391054ap-34, 0x1.391054ap-34, 0x1.391054ap-34,  0x1.c882a54p-37,  0x1.c882a54p-37,
    0x1.c882a54p-37, 0x1.91054a8p-38, 0x1.220a95p-39,  0x1.1054a7fp-42,  0x1.1054a7fp-42,  0x1.1054a7fp-42,
    0x1.054a7f1p-46, 0x1.054a7f1p-46, 0x1.054a7f1p-46, 0x1.054a7f1p-46,  0x1.529fc27p-52,  0x1.529fc27p-52,
    0x1.529fc27p-52, 0x1.529fc27p-52, 0x1.529fc27p-52, 0x1.529fc27p-52,  0x1.4a7f09dp-54,  0x1.4a7f09dp-54,
    0x1.29fc275p-56, 0x1.29fc275p-56, 0x1.4fe13acp-59, 0x1.4fe13acp-59,  0x1.4fe13acp-59,  0x1.3f84ebp-61,
    0x1.3f84ebp-61,  0x1.fc2757dp-64, 0x1.fc2757dp-64, 0x1.fc2757dp-64,  0x1.f84eafap-65,  0x1.f09d5f4p-66,
    0x1.e13abe9p-67, 0x1.c2757d2p-68, 0x1.84eafa4p-69, 0x1.09d5f48p-70,  0x1.3abe8fbp-75,  0x1.3abe8fbp-75,
    0x1.3abe8fbp-75, 0x1.3abe8fbp-75, 0x1.3abe8fbp-75, 0x1.d5f47d5p-78,  0x1.d5f47d5p-78,  0x1.d5f47d5p-78,
    0x1.abe8faap-79, 0x1.57d1f53p-80, 0x1.5f47d4dp-82, 0x1.5f47d4dp-82,  0x1.7d1f535p-84,  0x1.7d1f535p-84,
    0x1.f47d4d3p-86, 0x1.f47d4d3p-86, 0x1.e8fa9a7p-87, 0x1.d1f534ep-88,  0x1.a3ea69cp-89,  0x1.47d4d37p-90,
    0x1.1f534dep-92, 0x1.1f534dep-92, 0x1.f534ddcp-96, 0x1.f534ddcp-96,  0x1.f534ddcp-96,  0x1.f534ddcp-96,
    0x1.ea69bb8p-97, 0x1.d4d377p-98,  0x1.a9a6eep-99,  0x1.534ddc1p-100, 0x1.4d37703p-102, 0x1.4d37703p-102,
    0x1.34ddc0ep-104};
static const double turns_low[] = {
    -0x1.b1bbead603d8bp-32,  0x1.391054a7f09d6p-34,   0x1.391054a7f09d6p-34,   0x1.c882a53f84ebp-37,
    0x1.c882a53f84ebp-37,    0x1.c882a53f84ebp-37,    0x1.c882a53f84ebp-37,    -0x1.bbead603d8a83p-40,
    -0x1.bbead603d8a83p-40,  -0x1.bbead603d8a83p-40,  0x1.1054a7f09d5f4p-42,   0x1.1054a7f09d5f4p-42,
    -0x1.df56b01ec5417p-43,  0x1.054a7f09d5f48p-46,   0x1.054a7f09d5f48p-46,   0x1.054a7f09d5f48p-46,
    -0x1.f56b01ec5417p-47,   -0x1.5ac07b1505c16p-53,  -0x1.5ac07b1505c16p-53,  -0x1.5ac07b1505c16p-53,
    -0x1.5ac07b1505c16p-53,  -0x1.5ac07b1505c16p-53,  -0x1.5ac07b1505c16p-53,  0x1.4a7f09d5f47d5p-54,
    0x1.29fc2757d1f53p-56,   0x1.29fc2757d1f53p-56,   -0x1.ac07b1505c159p-57,  0x1.4fe13abe8fa9ap-59,
    0x1.4fe13abe8fa9ap-59,   -0x1.603d8a82e0acbp-60,  0x1.3f84eafa3ea6ap-61,   0x1.fc2757d1f534ep-64,
    0x1.fc2757d1f534ep-64,   0x1.fc2757d1f534ep-64,   -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,
    -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,  -0x1.ec54170565912p-71,  0x1.3abe8fa9a6eep-75,
    0x1.3abe8fa9a6eep-75,    0x1.3abe8fa9a6eep-75,    -0x1.8a82e0acb223fp-76,  -0x1.8a82e0acb223fp-76,
    -0x1.8a82e0acb223fp-76,  -0x1.8a82e0acb223fp-76,  0x1.5f47d4d377037p-82,   0x1.5f47d4d377037p-82,
    0x1.5f47d4d377037p-82,   0x1.5f47d4d377037p-82,   0x1.5f47d4d377037p-82,   0x1.5f47d4d377037p-82,
    0x1.7d1f534ddc0dbp-84,   0x1.7d1f534ddc0dbp-84,   0x1.f47d4d377036ep-86,   0x1.f47d4d377036ep-86,
    -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,  -0x1.70565911f924fp-91,
    -0x1.70565911f924fp-91,  0x1.f534ddc0db629p-96,   0x1.f534ddc0db629p-96,   0x1.f534ddc0db629p-96,
    0x1.f534ddc0db629p-96,   0x1.f534ddc0db629p-96,   -0x1.596447e493ad5p-101, -0x1.596447e493ad5p-101,
    -0x1.596447e493ad5p-101, -0x1.596447e493ad5p-101, -0x1.96447e493ad4dp-105, -0x1.96447e493ad4dp-105,
    -0x1.96447e493ad4dp-105, -0x1.96447e493ad4dp-105, -0x1.96447e493ad4dp-105, -0x1.6447e493ad4cep-109,
    -0x1.6447e493ad4cep-109, -0x1.6447e493ad4cep-109, -0x1.6447e493ad4cep-109, 0x1.377036d8a5665p-110,
    0x1.bb81b6c52b328p-113,  0x1.bb81b6c52b328p-113,  -0x1.11f924eb53362p-115, -0x1.11f924eb53362p-115,
    0x1.dc0db6295993cp-116,  0x1.dc0db6295993cp-116,  -0x1.1f924eb53361ep-119, -0x1.1f924eb53361ep-119,
    -0x1.1f924eb53361ep-119, 0x1.c0db6295993c4p-120,  -0x1.f924eb53361dep-123, -0x1.f924eb53361dep-123,
    0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,
    0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,  0x1.b6c52b3278872p-129,  -0x1.24eb53361de38p-131,
    0x1.b6295993c439p-132,   0x1.b6295993c439p-132,   -0x1.275a99b0ef1bfp-134};
#endif
