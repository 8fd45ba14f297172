package io.conveyor.service;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.springframework.asm.ClassReader;
import org.springframework.asm.ClassVisitor;
import org.springframework.asm.ClassWriter;
import org.springframework.asm.MethodVisitor;
import org.springframework.asm.Opcodes;

/** A copy of the jar with one thing wrong in it: a test that does not notice proves nothing. */
final class MutantJar {

    private static final String DIALECT = "BOOT-INF/classes/io/conveyor/store/SqliteDialect.class";

    private MutantJar() {}

    /** The store sets {@code synchronous=NORMAL}, and is content with it. */
    static Path notFlushing(Path jar, Path copy) throws IOException {
        Map<String, String> wrong = Map.of("FULL", "NORMAL", "2", "1");
        Files.copy(jar, copy);
        try (FileSystem inside = FileSystems.newFileSystem(copy)) {
            Path type = inside.getPath(DIALECT);
            Files.write(type, replaceStrings(Files.readAllBytes(type), wrong));
        }
        return copy;
    }

    private static byte[] replaceStrings(byte[] type, Map<String, String> wrong) {
        ClassWriter writer = new ClassWriter(0);
        int[] replaced = {0};
        new ClassReader(type)
                .accept(
                        new ClassVisitor(Opcodes.ASM9, writer) {
                            @Override
                            public MethodVisitor visitMethod(
                                    int access, String name, String descriptor, String signature, String[] exceptions) {
                                MethodVisitor method =
                                        super.visitMethod(access, name, descriptor, signature, exceptions);
                                return new MethodVisitor(Opcodes.ASM9, method) {
                                    @Override
                                    public void visitLdcInsn(Object value) {
                                        boolean hit = value instanceof String text && wrong.containsKey(text);
                                        replaced[0] += hit ? 1 : 0;
                                        super.visitLdcInsn(hit ? requireNonNull(wrong.get(value)) : value);
                                    }
                                };
                            }
                        },
                        0);
        assertThat(replaced[0]).as("strings to replace").isEqualTo(wrong.size());
        return writer.toByteArray();
    }
}
