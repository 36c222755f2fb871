# Hummingbot compiles every connector folder and wants something to compile in each: this is all there is.
cdef class dummy:
    pass
