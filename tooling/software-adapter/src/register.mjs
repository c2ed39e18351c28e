// The same entry for a checkout, at the place where scripts beside it have always found it.
import '../../../packages/software-adapter/src/register.mjs'
