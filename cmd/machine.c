/* What a command computes with. */
#include "cmd/cmd.h"

ct_status ct_machine_use(const ct_machine *m) {
    if (m->threads) ct_set_threads((int)m->threads);
    if (m->isa && ct_backend_use(m->isa)) return ct_say(CT_BAD_SPEC, "--isa: %s", ct_error());
    if (m->passes && ct_passes_use(m->passes)) return ct_say(CT_BAD_SPEC, "--passes: %s", ct_error());
    return CT_OK;
}
