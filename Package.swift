// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target is held to the same: Swift 6 concurrency, marked unsafe code, no warning.
let strict: [SwiftSetting] = [
  .strictMemorySafety(), .treatAllWarnings(as: .error), .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"), .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

func library(_ name: String, pkgConfig: String? = nil, apt: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

func module(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
  .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func support(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, path: "Tests/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, swiftSettings: strict)
}

/// One line per module; a module names only modules above it (docs/architecture.md).
let package = Package(
  name: "Espalier",
  products: [.executable(name: "espalier", targets: ["espalier"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // C libraries
    library("COpenMPI", pkgConfig: "ompi-c", apt: "libopenmpi-dev"),
    library("COpenBLAS", pkgConfig: "openblas", apt: "libopenblas-dev"),
    library("COneDNN", apt: "libdnnl-dev"),
    library("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
    library("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    library("CPCRE2", pkgConfig: "libpcre2-8", apt: "libpcre2-dev"),
    library("CUtf8proc", apt: "libutf8proc-dev"),
    .target(name: "CKernels"),

    // Substrate
    module("Tensors", ["CKernels"]),
    module("Compute", ["Tensors"]),
    module("CPUCompute", ["Compute", "Tensors", "CKernels", "COneDNN", "COpenBLAS"]),
    module("Communication", ["CKernels", "CZlib", "CZstd"]),
    module("MPICommunication", ["Communication", "COpenMPI"]),
    module("Safetensors", ["Tensors"]),
    module("Checkpoints", ["Tensors", "Safetensors", crypto]),
    module("Tokenizers", ["Safetensors", "Tensors", "CPCRE2", "CUtf8proc", heap]),

    // Models
    module("Blueprints", ["Tensors"]),
    module(
      "Architectures", ["Blueprints", "Checkpoints", "Tensors"], resources: [.embedInCode("Llama/RemoteCode")]),
    module("Transformers", ["Blueprints", "Compute", "Tensors"]),
    module("Calibration", ["Safetensors", "Tensors", "Tokenizers", "CZlib", "CZstd"]),

    // Pruning
    module("Artifacts", ["Blueprints", "Safetensors", "Tensors", "Yams", crypto]),
    module(
      "Saliency", ["Artifacts", "Blueprints", "Calibration", "Communication", "Compute", "Tensors", "Transformers"]),
    module("Allocation", ["Artifacts"]),
    module("Optimization", ["Artifacts", "CKernels", "Communication"]),
    module(
      "Recovery",
      ["Artifacts", "Blueprints", "Calibration", "Communication", "Compute", "Optimization", "Transformers"]),
    module("GateTuning", ["Artifacts", "Blueprints", "Communication", "Optimization", "Transformers"]),
    module(
      "Repacking",
      ["Architectures", "Artifacts", "Blueprints", "Checkpoints", "Communication", "Safetensors", "Tensors", crypto]),
    module("Evaluation", ["Blueprints", "Communication", "Compute", "Transformers"]),
    module("LayerStreaming", ["Architectures", "Blueprints", "Communication", "Tensors", "Transformers"]),
    module("Reporting", ["Artifacts", mustache], resources: [.embedInCode("Templates")]),
    module(
      "Pipeline",
      [
        "Allocation", "Architectures", "Artifacts", "Blueprints", "Calibration", "Checkpoints", "Communication",
        "Compute", "Evaluation", "GateTuning", "LayerStreaming", "Optimization", "Recovery", "Repacking", "Reporting",
        "Safetensors", "Saliency", "Tensors",
        "Tokenizers", "Transformers", crypto,
      ]),
    .executableTarget(
      name: "espalier",
      dependencies: [
        "Artifacts", "CPUCompute", "Communication", "Compute", "MPICommunication", "Pipeline", argumentParser,
      ], swiftSettings: strict),

    // Tests
    support("TestSupport", ["Compute", "CPUCompute", "Safetensors", "Tensors"]),
    support("CommunicationTestSupport", ["Communication"]),
    support("MPITestSupport", ["Communication", "MPICommunication"]),
    support(
      "ModelTestSupport",
      [
        "Architectures", "Artifacts", "Blueprints", "Checkpoints", "Compute", "LayerStreaming", "Safetensors",
        "Tensors", "TestSupport", "Transformers",
      ]),
    tests("CKernels", []),
    tests("Tensors", ["TestSupport"]),
    tests("Communication", ["CommunicationTestSupport", "TestSupport"]),
    tests("MPICommunication", ["Communication", "CommunicationTestSupport", "MPITestSupport"]),
    tests("Compute", ["Tensors", "TestSupport"]),
    tests("Safetensors", ["Tensors", "TestSupport"]),
    tests("Checkpoints", ["Safetensors", "Tensors", "TestSupport"]),
    tests("Tokenizers", []),
    tests("Blueprints", ["ModelTestSupport", "Tensors", "TestSupport"]),
    tests(
      "Architectures",
      [
        "Artifacts", "Blueprints", "Checkpoints", "ModelTestSupport", "Repacking", "Safetensors", "Tensors",
        "TestSupport",
      ]),
    tests(
      "Transformers",
      [
        "Architectures", "Blueprints", "Compute", "LayerStreaming", "ModelTestSupport", "Safetensors", "Tensors",
        "TestSupport",
      ]),
    tests(
      "Saliency",
      [
        "Architectures", "Artifacts", "Blueprints", "Checkpoints", "Communication", "Compute", "LayerStreaming",
        "MPITestSupport", "ModelTestSupport", "Safetensors", "Tensors", "TestSupport", "Transformers",
      ]),
    tests(
      "LayerStreaming",
      [
        "Architectures", "Blueprints", "Checkpoints", "Communication", "MPITestSupport", "ModelTestSupport", "Tensors",
        "TestSupport", "Transformers",
      ]),
    tests(
      "Repacking",
      [
        "Allocation", "Architectures", "Artifacts", "Blueprints", "Checkpoints", "Communication", "Compute",
        "LayerStreaming", "MPITestSupport", "ModelTestSupport", "Safetensors", "Tensors", "TestSupport", "Transformers",
      ]),
    tests(
      "Evaluation",
      [
        "Architectures", "Artifacts", "Blueprints", "Calibration", "Checkpoints", "Communication", "Compute",
        "LayerStreaming", "MPITestSupport", "ModelTestSupport", "Repacking", "Safetensors", "Tensors", "TestSupport",
        "Tokenizers", "Transformers",
      ]),
    tests("Calibration", ["Tokenizers"]),
    tests("Artifacts", [crypto, "TestSupport"]),
    tests("Allocation", ["Artifacts"]),
    tests("Optimization", ["TestSupport"]),
    tests(
      "GateTuning",
      [
        "Allocation", "Architectures", "Artifacts", "Blueprints", "Communication", "Compute", "LayerStreaming",
        "MPITestSupport", "ModelTestSupport", "Optimization", "Repacking", "TestSupport", "Transformers",
      ]),
    tests(
      "Recovery",
      [
        "Architectures", "Artifacts", "Blueprints", "Checkpoints", "Communication", "Compute", "LayerStreaming",
        "MPITestSupport", "ModelTestSupport", "Optimization", "Repacking", "TestSupport", "Transformers",
      ]),
    tests("Reporting", ["Artifacts", "TestSupport", subprocess]),
    tests(
      "Pipeline",
      [
        "Allocation", "Architectures", "Artifacts", "Blueprints", "Calibration", "Checkpoints", "Communication",
        "CommunicationTestSupport", "CPUCompute", "Compute", "Evaluation", "GateTuning", "LayerStreaming",
        "MPITestSupport", "ModelTestSupport", "Safetensors", "Saliency", "Tensors", "TestSupport", "Tokenizers",
        "Transformers",
      ]),
    // The program itself, launched as users do.
    tests("espalier", ["Safetensors", "Tensors", "TestSupport", subprocess]),
  ]
)

// libFuzzer brings the main function and is there only when it is asked for (scripts/fuzz).
if Context.environment["ESPALIER_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "Architectures", "Artifacts", "Blueprints", "Calibration", "Checkpoints", "Communication", "Safetensors",
        "Tensors", "Tokenizers", "CZlib",
      ], path: "Tests/Fuzz", swiftSettings: strict))
}
