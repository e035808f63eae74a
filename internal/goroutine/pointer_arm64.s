//go:build gc && !purego

#include "textflag.h"

// func Pointer() uintptr
TEXT ·Pointer(SB), NOSPLIT, $0-8
	MOVD g, ret+0(FP)
	RET
