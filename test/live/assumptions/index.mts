import './account.mts';
import './lists.mts';
import './tasks.mts';
import './files.mts';
import './upscale.mts';
import './enhance.mts';
