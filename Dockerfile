# Needs the jar of `mvn verify` (or `mvn package`) at target/conveyor.jar:
#   mvn -B verify && docker build -t conveyor .

# One layer for the libraries, one for our own classes: a change of ours moves kilobytes, not the whole jar.
FROM eclipse-temurin:25-jre AS layers
WORKDIR /layers
COPY target/conveyor.jar conveyor.jar
RUN java -Djarmode=tools -jar conveyor.jar extract --layers --destination out

FROM eclipse-temurin:25-jre
LABEL org.opencontainers.image.title="Conveyor" \
      org.opencontainers.image.description="A batch-job microservice: jobs in over HTTP, a fixed crew of workers, results per batch, in order." \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=layers /layers/out/dependencies/ ./
COPY --from=layers /layers/out/spring-boot-loader/ ./
COPY --from=layers /layers/out/snapshot-dependencies/ ./
COPY --from=layers /layers/out/application/ ./
COPY --chmod=0444 docker/jvm.options ./
COPY --chmod=0555 docker/healthcheck ./

# The AOT cache halves the start. It is refused by a JVM with other flags, another class path or another build, so it is
# trained here, with the options file and the paths of the run. The training opens the database: it works in a directory
# of its own, so its SQLite file is thrown away with it.
RUN mkdir -p /tmp/training/data \
    && cd /tmp/training \
    && java @/app/jvm.options -XX:AOTCacheOutput=/app/conveyor.aot -Dspring.context.exit=onRefresh -jar /app/conveyor.jar \
    && rm -rf /tmp/training /tmp/sqlite-* /tmp/tomcat* /tmp/hsperfdata_* \
    && test -s /app/conveyor.aot \
    && install -d -o 10001 -g 10001 -m 0750 /app/data

# All that is ever written outside /tmp: the SQLite file data/conveyor.db, relative to the working directory.
VOLUME /app/data
# A number, so that an orchestrator can see that it is not root. It owns nothing but the volume.
USER 10001:10001
# A container is reached over its own network interface; what of it is published is the operator's choice.
ENV SERVER_ADDRESS=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["/app/healthcheck"]
# The exec form makes java process 1, so SIGTERM reaches it and the drain begins.
ENTRYPOINT ["java", "@/app/jvm.options", "-XX:AOTCache=/app/conveyor.aot", "-jar", "/app/conveyor.jar"]
