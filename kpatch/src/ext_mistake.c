// SPDX-License-Identifier: GPL-2.0-only
/* Not in a driver for use: see ext_mistake.h */
#include "ext_mistake.h"

#include <linux/module.h>

unsigned int ext_mistake;
module_param_named(mistake, ext_mistake, uint, 0600);
MODULE_PARM_DESC(mistake, "Deliberate mistake to make, 0: none");
