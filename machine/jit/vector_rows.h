/* SPDX-License-Identifier: MulanPSL-2.0 */
/*
 * Lists of LSX rows and their LASX twins, for the tables vector_*.def.  Where EMIT is defined a table gives
 * the rows' names; else it defines their emitters.  Included by each table, so there is no include guard.
 *
 *     VEC_EMIT(row, frame, ...)     frame(e, insn, bits, ...) emits the row
 *     VEC_ROW(row, fn, el, form)    vec_emit() does, by fn, for elements el
 */
#undef VEC_EMIT
#undef VEC_EMIT_LASX
#undef VEC_EMITTER

#ifdef EMIT
#define VEC_EMIT(row, ...)	EMIT(row) EMIT(x##row)
#define VEC_EMIT_LASX(row, ...) EMIT(row)
#else
#define VEC_EMITTER(row, frame, bits, ...)                                                                   \
	emit_fn emit_##row;                                                                                  \
	bool emit_##row(struct emit *e, const struct insn *insn)                                             \
	{                                                                                                    \
		return frame(e, insn, bits, __VA_ARGS__);                                                    \
	}
#define VEC_EMIT(row, frame, ...)                                                                            \
	VEC_EMITTER(row, frame, 128, __VA_ARGS__)                                                            \
	VEC_EMITTER(x##row, frame, 256, __VA_ARGS__)
#define VEC_EMIT_LASX(row, frame, ...) VEC_EMITTER(row, frame, 256, __VA_ARGS__)
#endif

#define VEC_ROW(row, fn, el, form) VEC_EMIT(row, vec_emit, fn, VEC_##el, VEC_##form)

/* Elements with a sign, without one, and those whose bits are no numbers. */
#define VEC_BHWD(op, fn, form)                                                                               \
	VEC_ROW(op##_b, fn, B, form)                                                                         \
	VEC_ROW(op##_h, fn, H, form)                                                                         \
	VEC_ROW(op##_w, fn, W, form)                                                                         \
	VEC_ROW(op##_d, fn, D, form)
#define VEC_BHWD_U(op, fn, form)                                                                             \
	VEC_ROW(op##_bu, fn, BU, form)                                                                       \
	VEC_ROW(op##_hu, fn, HU, form)                                                                       \
	VEC_ROW(op##_wu, fn, WU, form)                                                                       \
	VEC_ROW(op##_du, fn, DU, form)
#define VEC_BHWD_BITS(op, fn, form)                                                                          \
	VEC_ROW(op##_b, fn, BU, form)                                                                        \
	VEC_ROW(op##_h, fn, HU, form)                                                                        \
	VEC_ROW(op##_w, fn, WU, form)                                                                        \
	VEC_ROW(op##_d, fn, DU, form)
